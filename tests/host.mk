# Unit tests and fuzzers: pure logic compiled for the build machine, with sanitizers.
# $(BUILD)/host/unit-NAME is tests/unit/NAME.c, $(BUILD)/host/fuzz-NAME is tests/fuzz/NAME.c.

HOST_CC := clang
HOST_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_CFLAGS := -std=gnu17 -O1 -g -I. -Wall -Wextra -Werror -Wvla -Wshadow -Wstrict-prototypes -Wno-missing-field-initializers \
               -fno-omit-frame-pointer -fno-pie $(HOST_SANITIZE) -DVENEER_DEBUG=1

# The sources under test: nothing that needs a bare machine.
HOST_SOURCES := $(filter-out lib/serial.c,$(LIB_SOURCES)) \
                hypervisor/boot/memory_map.c hypervisor/boot/multiboot2.c \
                hypervisor/vp_context.c lib/instruction.c $(wildcard hypervisor/lapic*.c) \
                $(wildcard vmbus/*.c vsc/*.c vsp/*/*.c worker/emulator/*.c worker/devices/*.c) \
                $(wildcard parent/kernel/mm/page_bitmap.c parent/block/partition.c \
                  parent/block/split.c parent/block/queue.c parent/block/bounce.c \
                  parent/drivers/ata.c parent/drivers/atapi.c parent/drivers/keymap.c \
                  parent/drivers/terminal.c \
                  parent/vid/partition_memory.c parent/vid/port.c \
                  worker/acpi.c worker/acpi_tables.c worker/aml.c $(wildcard worker/firmware_*.c) \
                  worker/mmio.c worker/io.c worker/page_walk.c worker/disk_host.c worker/nic_host.c worker/control*.c worker/screen*.c \
                  parent/console/keys.c $(addprefix parent/vmms/,vm_config.c vm_keys.c vm_text.c) \
                  worker/firmware/keyboard_map.c worker/firmware/vga/glyphs.c \
                  parent/console/line_editor.c $(filter-out parent/vdisk/worker.c,$(wildcard parent/vdisk/*.c)) \
                  parent/fs/*.c parent/net/*.c \
                  tests/fat/*.c tests/net/*.c tests/devices/*.c)
HOST_OBJECTS := $(patsubst %,$(BUILD)/host/obj/%.o,$(HOST_SOURCES))

# What would replace the C library's functions, on which the sanitizers depend, gets other names.
host_rename = $(foreach name,$(1),-D$(name)=veneer_$(name))
$(BUILD)/host/obj/lib/string.c.o: HOST_CFLAGS += \
    $(call host_rename,memcpy memmove memset memcmp strlen strcmp strncmp)
$(BUILD)/host/obj/lib/printf.c.o: HOST_CFLAGS += $(call host_rename,vsnprintf snprintf)

# One set of objects serves both: a unit test does not use their coverage counters.
$(BUILD)/host/obj/%.c.o: %.c
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(BUILD)/host/lib.a: $(HOST_OBJECTS) tests/host.mk
	rm -f $@
	ar rcsD $@ $(HOST_OBJECTS)

# Linked again with its own table of symbols, as an image is: the test looks up its own functions.
$(BUILD)/host/unit-symbols: $(BUILD)/host/obj/tests/unit/symbols.c.o $(BUILD)/host/lib.a \
                            tools/symbols.py
	$(PYTHON) tools/symbols.py --empty $@.asm
	$(NASM) -f elf64 -o $@.o $@.asm
	$(HOST_CC) $(HOST_CFLAGS) -no-pie -fsanitize=fuzzer-no-link $< $@.o $(BUILD)/host/lib.a -o $@.first
	$(PYTHON) tools/symbols.py $@.first $@.asm
	$(NASM) -f elf64 -o $@.o $@.asm
	$(HOST_CC) $(HOST_CFLAGS) -no-pie -fsanitize=fuzzer-no-link $< $@.o $(BUILD)/host/lib.a -o $@
	$(PYTHON) tools/symbols.py --verify $@ $@.asm

$(BUILD)/host/unit-%: $(BUILD)/host/obj/tests/unit/%.c.o $(BUILD)/host/lib.a
	$(HOST_CC) $(HOST_CFLAGS) -no-pie -fsanitize=fuzzer-no-link $^ $(HOST_LDLIBS) -o $@

$(BUILD)/host/fuzz-%: $(BUILD)/host/obj/tests/fuzz/%.c.o $(BUILD)/host/lib.a
	$(HOST_CC) $(HOST_CFLAGS) -no-pie -fsanitize=fuzzer $^ -o $@

# Debian's disassembler and processor emulator, with which ours is compared.
$(BUILD)/host/unit-emulator_length $(BUILD)/host/unit-emulator_random: HOST_LDLIBS := -lcapstone -lunicorn

# Our network stack as a program: tests/linux/network.py.
$(BUILD)/host/tap: $(BUILD)/host/obj/tests/linux/tap.c.o $(BUILD)/host/lib.a
	$(HOST_CC) $(HOST_CFLAGS) -no-pie -fsanitize=fuzzer-no-link $^ -o $@

# Screens of our VGA, to be compared with QEMU's: tests/vga/compare.py.
$(BUILD)/host/screens: $(BUILD)/host/obj/tests/vga/screens.c.o $(BUILD)/host/lib.a
	$(HOST_CC) $(HOST_CFLAGS) -no-pie -fsanitize=fuzzer-no-link $^ -o $@

.PRECIOUS: $(BUILD)/host/obj/%.c.o

-include $(shell find $(BUILD)/host/obj -name '*.d' 2>/dev/null)
