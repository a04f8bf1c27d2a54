/* The guest's memory by linear addresses. */
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "worker/vp.h"
#include "parent/user/system.h"

/* Where linear @address is, in our memory; NULL: nowhere, or not with the access that @control
 * names. */
static uint8_t *translate(const struct vp *vp, uint64_t address, uint64_t control)
{
    struct hv_input_translate_virtual_address input = {
        .vp_index = vp->index, .control_flags = control, .gva_page = address >> PAGE_SHIFT};
    struct hv_output_translate_virtual_address output;
    int64_t result = system_vm_call(machine.handle, HVCALL_TRANSLATE_VIRTUAL_ADDRESS, 0, &input,
                                    sizeof(input), &output, sizeof(output));
    if (result != 0 || output.result_code != HV_TRANSLATE_GVA_SUCCESS)
        return NULL;
    uint8_t *page = machine_memory(output.gpa_page << PAGE_SHIFT, PAGE_SIZE);
    return page ? page + address % PAGE_SIZE : NULL;
}

/* How much of @size bytes at @address is in its page. */
static size_t in_page(uint64_t address, size_t size)
{
    size_t room = PAGE_SIZE - address % PAGE_SIZE;
    return size < room ? size : room;
}

bool linear_read(const struct vp *vp, uint64_t address, void *data, size_t size)
{
    uint8_t *to = data;
    for (size_t part; size > 0; size -= part, address += part, to += part) {
        const uint8_t *from = translate(vp, address, HV_TRANSLATE_GVA_VALIDATE_READ);
        part = in_page(address, size);
        if (!from)
            return false;
        memcpy(to, from, part);
    }
    return true;
}

bool linear_write(const struct vp *vp, uint64_t address, const void *data, size_t size)
{
    const uint8_t *from = data;
    for (size_t part; size > 0; size -= part, address += part, from += part) {
        uint8_t *to = translate(vp, address, HV_TRANSLATE_GVA_VALIDATE_WRITE);
        part = in_page(address, size);
        if (!to)
            return false;
        memcpy(to, from, part);
    }
    return true;
}
