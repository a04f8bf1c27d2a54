# Veneer. `make` builds everything under build/; the other targets are listed by `make help`.
# Components are lists of sources; each object depends on the headers that it read (-MMD).

BUILD ?= build
DEBUG ?= 0
PYTHON ?= python3

CC := gcc
LD := ld
NASM := nasm

WARNINGS := -Wall -Wextra -Werror -Wvla -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wframe-larger-than=1536
KERNEL_CFLAGS := -std=gnu17 -O2 -g -ffreestanding -fno-strict-aliasing -fno-omit-frame-pointer \
                 -fno-optimize-sibling-calls -fno-asynchronous-unwind-tables -fno-pic -fno-pie -mno-red-zone \
                 -mgeneral-regs-only -mcmodel=kernel -fcf-protection=none \
                 -ffunction-sections -fdata-sections -fno-common \
                 -ffile-prefix-map=$(CURDIR)=. -I. $(WARNINGS) -DVENEER_DEBUG=$(DEBUG)
KERNEL_LDFLAGS := -n -nostdlib -static --gc-sections -z noexecstack --build-id=none --fatal-warnings

LIB_SOURCES := $(addprefix lib/, string.c printf.c cmdline.c elf.c acpi.c screen.c font.c serial.c \
               symbols.c page_table.c)

HYPERVISOR_SOURCES := $(wildcard hypervisor/*.c hypervisor/boot/*.c hypervisor/x86/*.c \
                      hypervisor/svm/*.c hypervisor/vmx/*.c)
HYPERVISOR_ASM := $(wildcard hypervisor/x86/*.asm hypervisor/svm/*.asm hypervisor/vmx/*.asm boot/*.asm)

PARENT_SOURCES := $(wildcard parent/kernel/*.c)
PARENT_ASM := $(wildcard parent/kernel/*.asm)

objects = $(patsubst %,$(BUILD)/obj/%.o,$(1))
HYPERVISOR_OBJECTS := $(call objects,$(HYPERVISOR_SOURCES) $(HYPERVISOR_ASM) $(LIB_SOURCES))
PARENT_OBJECTS := $(call objects,$(PARENT_SOURCES) $(PARENT_ASM) $(LIB_SOURCES))

.PHONY: all
all: $(BUILD)/veneer.elf $(BUILD)/parent.elf $(BUILD)/veneer.iso

$(BUILD)/obj/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(KERNEL_CFLAGS) -fstack-protector-strong -mstack-protector-guard=global -MMD -MP -c $< -o $@

$(BUILD)/obj/%.asm.o: %.asm $(BUILD)/asm_offsets.inc
	@mkdir -p $(@D)
	$(NASM) -f elf64 -I$(BUILD)/ -I./ -MD $(@:.o=.d) -MP -o $@ $<

# Structure offsets for NASM: a C file emits them as text in its assembly (see hypervisor/asm_offsets.c.in).
$(BUILD)/asm_offsets.inc: hypervisor/asm_offsets.c.in
	@mkdir -p $(@D)
	$(CC) $(KERNEL_CFLAGS) -x c -MMD -MP -MF $(BUILD)/asm_offsets.d -MT $@ -S $< -o $(BUILD)/asm_offsets.s
	sed -n 's/^@@ \([A-Z0-9_]*\) \$$\{0,1\}\(-\{0,1\}[0-9]*\)$$/%define \1 \2/p' $(BUILD)/asm_offsets.s > $@

# Linked twice: the first link's symbols become the table that backtraces use in the second.
define link_image
$(BUILD)/$(1).elf: $(2) $(3) tools/symbols.py
	$(PYTHON) tools/symbols.py --empty $(BUILD)/$(1).symbols.asm
	$(NASM) -f elf64 -o $(BUILD)/$(1).symbols.o $(BUILD)/$(1).symbols.asm
	$(LD) $(KERNEL_LDFLAGS) -T $(2) -o $(BUILD)/$(1).first.elf $(3) $(BUILD)/$(1).symbols.o
	$(PYTHON) tools/symbols.py $(BUILD)/$(1).first.elf $(BUILD)/$(1).symbols.asm
	$(NASM) -f elf64 -o $(BUILD)/$(1).symbols.o $(BUILD)/$(1).symbols.asm
	$(LD) $(KERNEL_LDFLAGS) -T $(2) -o $$@ $(3) $(BUILD)/$(1).symbols.o
endef

$(eval $(call link_image,veneer,linker.ld,$(HYPERVISOR_OBJECTS)))
$(eval $(call link_image,parent,parent/kernel/linker.ld,$(PARENT_OBJECTS)))

-include $(HYPERVISOR_OBJECTS:.o=.d) $(PARENT_OBJECTS:.o=.d) $(BUILD)/asm_offsets.d

include tests/host.mk
