/* Self test "child-no-access": what the parent may say about a child's memory beside mapping it. */
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/selftest_guest.h"

#define RIGHTS (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE)
#define DATA_PAGE 9u
#define LARGE_PAGE HV_MAP_GPA_LARGE_PAGE_FRAMES

static void check_run(struct guest *guest, uint32_t flags, uint32_t message, const char *what)
{
    check_equal(guest_run(guest, flags, 100000), message, what);
}

static void check_translation(struct guest *guest, uint64_t page,
                              enum hv_translate_gva_result_code result)
{
    check_equal(guest_translate(guest, page, &page), result, "result of a translation");
}

/* One page of a large one is unmapped, another is mapped. */
static void check_large(struct guest *guest)
{
    uint64_t page = guest->memory / PAGE_SIZE;

    check_equal(vid_map_gpa(&guest->deposits, LARGE_PAGE,
                            HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_LARGE_PAGE, &page, 1),
                HV_STATUS_SUCCESS, "status of taking the access of a large page");
    check_translation(guest, LARGE_PAGE + 511, HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS);
    check_equal(vid_unmap_gpa(&guest->deposits, LARGE_PAGE + 5, 1), HV_STATUS_SUCCESS,
                "status of unmapping a page without access");
    check_equal(vid_map_gpa(&guest->deposits, LARGE_PAGE + 7, RIGHTS, &page, 1), HV_STATUS_SUCCESS,
                "status of mapping a page that was without access");
    check_translation(guest, LARGE_PAGE + 5, HV_TRANSLATE_GVA_GPA_UNMAPPED);
    check_translation(guest, LARGE_PAGE + 6, HV_TRANSLATE_GVA_GPA_NO_READ_ACCESS);
    check_translation(guest, LARGE_PAGE + 7, HV_TRANSLATE_GVA_SUCCESS);
}

static void run_no_access(void)
{
    /* mov ax, [9000h]; hlt */
    static const uint8_t code[] = {0xa1, 0x00, 0x90, 0xf4};
    const uint32_t again = HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
    struct guest guest;
    uint64_t ignored = UINT64_MAX;

    if (!guest_create(&guest, code, sizeof(code)))
        return;
    uint64_t page = guest.memory / PAGE_SIZE + DATA_PAGE;
    check_equal(vid_map_gpa(&guest.deposits, DATA_PAGE, HV_MAP_GPA_NO_ACCESS | HV_MAP_GPA_READABLE,
                            &page, 1),
                HV_STATUS_INVALID_PARAMETER, "status of access and none");
    check_equal(vid_map_gpa(&guest.deposits, DATA_PAGE, HV_MAP_GPA_NO_ACCESS, &ignored, 1),
                HV_STATUS_SUCCESS, "status of taking the access of a page");
    check_run(&guest, 0, HV_MESSAGE_TYPE_GPA_INTERCEPT, "message of a page without access");
    vid_unmap_gpa(&guest.deposits, DATA_PAGE, 1);
    check_run(&guest, again, HV_MESSAGE_TYPE_UNMAPPED_GPA, "message of a page that is not there");
    check_equal(vid_map_gpa(&guest.deposits, DATA_PAGE, HV_MAP_GPA_NO_ACCESS, &ignored, 1),
                HV_STATUS_SUCCESS, "status of a page without access where none was");
    check_run(&guest, again, HV_MESSAGE_TYPE_GPA_INTERCEPT, "message of a page without access");
    vid_map_gpa(&guest.deposits, DATA_PAGE, RIGHTS, &page, 1);
    check_run(&guest, again, HV_MESSAGE_TYPE_X64_HALT, "message after the page is there");
    check_large(&guest);
    guest_destroy(&guest);
}

const struct selftest selftest_child_no_access = {"child-no-access", run_no_access, SELFTEST_ONCE,
                                                  true};
