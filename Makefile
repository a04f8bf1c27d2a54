# Veneer. `make` builds everything under build/; `make help` lists what else there is.
# A component is a list of sources; each object depends on the headers that it read (-MMD).

DEBUG ?= 0
BUILD ?= $(if $(filter 0,$(DEBUG)),build,build/debug)
PLATFORM ?= qemu
FIRMWARE ?= bios
CPUS ?= 2
MEM ?= 512
# V=1 shows the commands.
V ?= 0
Q := $(if $(filter 0,$(V)),@)

CC := gcc
LD := ld
OBJCOPY := objcopy
NASM := nasm
PYTHON := python3

# --- Components ----------------------------------------------------------------------------------

LIB_SOURCES := $(wildcard lib/*.c)

HYPERVISOR_SOURCES := $(wildcard hypervisor/*.c) \
                      $(wildcard $(addprefix hypervisor/,boot/*.c x86/*.c svm/*.c vmx/*.c))
HYPERVISOR_ASM := $(wildcard boot/*.asm $(addprefix hypervisor/,x86/*.asm svm/*.asm vmx/*.asm))

# The kernel is everything below parent/ but the programs and their run-time library; with the host
# side of VMBus and its providers.
PARENT_SOURCES := $(sort $(shell find parent vmbus vsp -name '*.c' -not -path 'parent/user/*'))
PARENT_ASM := $(sort $(shell find parent -name '*.asm' -not -path 'parent/user/*'))

objects = $(patsubst %,$(BUILD)/obj/%.o,$(1))
HYPERVISOR_OBJECTS := $(call objects,$(HYPERVISOR_ASM) $(HYPERVISOR_SOURCES) $(LIB_SOURCES))
PARENT_OBJECTS := $(call objects,$(PARENT_ASM) $(PARENT_SOURCES) $(LIB_SOURCES))

# Programs for the parent's ring 3: a file each, and the worker, with the runtime and what they need
# of lib/.
PROGRAM_NAMES := $(patsubst parent/user/programs/%.c,%,$(wildcard parent/user/programs/*.c))
PROGRAMS := $(patsubst %,$(BUILD)/programs/%.elf,$(PROGRAM_NAMES) worker)
WORKER_SOURCES := $(wildcard worker/*.c worker/devices/*.c worker/emulator/*.c)
user_objects = $(patsubst %,$(BUILD)/user/%.o,$(1))
USER_LIB_OBJECTS := $(call user_objects,$(filter-out lib/serial.c lib/symbols.c,$(LIB_SOURCES)))
WORKER_OBJECTS := $(call user_objects,$(WORKER_SOURCES))
USER_RUNTIME_OBJECTS := $(call user_objects,$(wildcard parent/user/*.c parent/user/*.asm))

# The demo child: a kernel for a child partition, linked into the lower half.
DEMO_SOURCES := $(wildcard vsc/*.c vsc/demo/*.c) vmbus/ring.c
demo_objects = $(patsubst %,$(BUILD)/child/%.o,$(1))
DEMO_OBJECTS := $(call demo_objects,$(wildcard vsc/demo/*.asm) $(DEMO_SOURCES) \
                  $(addprefix lib/,string.c printf.c cmdline.c page_table.c))

# The firmware of PCs: real-mode programs for segments F000h and C000h.
FIRMWARE_SOURCES := $(wildcard worker/firmware/*.c)
VGA_SOURCES := $(filter-out %/glyphs.c,$(wildcard worker/firmware/vga/*.c)) worker/firmware/string.c
firmware_objects = $(patsubst %,$(BUILD)/firmware/%.o,$(1))
FIRMWARE_OBJECTS := $(call firmware_objects,$(wildcard worker/firmware/*.asm) $(FIRMWARE_SOURCES)) \
                    $(BUILD)/firmware/protected/pci_find.o
VGA_OBJECTS := $(call firmware_objects,$(wildcard worker/firmware/vga/*.asm) $(VGA_SOURCES))

IMAGES := $(PROGRAMS) $(BUILD)/veneer.elf $(BUILD)/parent.elf $(BUILD)/demo.elf $(BUILD)/firmware.bin $(BUILD)/veneer.iso

.DELETE_ON_ERROR:
.PHONY: all
all: $(IMAGES)

# --- Compiling and linking -----------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Werror -Wvla -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wframe-larger-than=1536 -Wno-missing-field-initializers
# The hypervisor is to be small; what every exit of a child goes through is to be fast. There, only
# functions with arrays have stack protectors: others have nothing that could overflow. Inside a
# function nothing is aligned: its loops are short, and padding is executed, too.
HOT := lib/page_table $(addprefix hypervisor/,svm/exit svm/length vmx/exit vmx/world vmx/event vmx/guest \
         dispatch hypercall child_exit intercept register_rule cpuid child_cpuid port synic guest_code \
         partition)
OPTIMIZE = $(if $(filter $(HOT:%=$(BUILD)/obj/%.c.o),$@),-O2 -fno-align-jumps -fno-align-loops \
             -fno-align-labels -fstack-protector --param=ssp-buffer-size=1,$(if \
             $(filter $(BUILD)/obj/hypervisor/% $(BUILD)/obj/lib/%,$@),-Os,-O2))
# Backtraces follow frame pointers and name the caller, hence no sibling calls. Nothing in the
# output may depend on the directory that we build in.
TARGET_CFLAGS := -std=gnu17 -g -ffreestanding -fno-strict-aliasing -fno-common -fno-pic -fno-pie \
                 -mgeneral-regs-only -fcf-protection=none \
                 -fno-omit-frame-pointer -fno-optimize-sibling-calls \
                 -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
                 -fstack-protector-strong -mstack-protector-guard=global \
                 -ffile-prefix-map=$(CURDIR)=. -I. $(WARNINGS) -DVENEER_DEBUG=$(DEBUG)
KERNEL_CFLAGS = $(TARGET_CFLAGS) -mcmodel=kernel -mno-red-zone $(OPTIMIZE)
USER_CFLAGS := $(TARGET_CFLAGS) -O2
CHILD_CFLAGS := $(TARGET_CFLAGS) -mno-red-zone -O2
KERNEL_LDFLAGS := -n -nostdlib -static --gc-sections -z noexecstack --build-id=none --fatal-warnings

$(BUILD)/obj/%.c.o: %.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(KERNEL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/obj/%.asm.o: %.asm $(BUILD)/asm_offsets.inc Makefile | setup
	@mkdir -p $(@D)
	@echo "  NASM  $<"
	$(Q)$(NASM) -f elf64 -Werror -I$(BUILD)/ -I./ -MD $(@:.o=.d) -MP -o $@ $<

$(BUILD)/user/%.c.o: %.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC    $< (ring 3)"
	$(Q)$(CC) $(USER_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/user/%.asm.o: %.asm Makefile | setup
	@mkdir -p $(@D)
	@echo "  NASM  $< (ring 3)"
	$(Q)$(NASM) -f elf64 -Werror -I./ -MD $(@:.o=.d) -MP -o $@ $<

$(BUILD)/programs/%.elf: $(BUILD)/user/parent/user/programs/%.c.o $(USER_RUNTIME_OBJECTS) \
                         $(USER_LIB_OBJECTS) parent/user/linker.ld
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(LD) $(KERNEL_LDFLAGS) -S -T parent/user/linker.ld -o $@ $(filter %.o,$^)

# The worker: the one program that is a component of its own.
$(BUILD)/programs/worker.elf: $(WORKER_OBJECTS) $(USER_RUNTIME_OBJECTS) $(USER_LIB_OBJECTS) \
                              parent/user/linker.ld
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(LD) $(KERNEL_LDFLAGS) -S -T parent/user/linker.ld -o $@ $(filter %.o,$^)

$(BUILD)/child/%.c.o: %.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC    $< (child)"
	$(Q)$(CC) $(CHILD_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/child/%.asm.o: %.asm Makefile | setup
	@mkdir -p $(@D)
	@echo "  NASM  $< (child)"
	$(Q)$(NASM) -f elf64 -Werror -I./ -MD $(@:.o=.d) -MP -o $@ $<

$(BUILD)/demo.elf: vsc/demo/linker.ld $(DEMO_OBJECTS)
	@echo "  LD    $@"
	$(Q)$(LD) $(KERNEL_LDFLAGS) -T vsc/demo/linker.ld -o $@ $(DEMO_OBJECTS)

# Pointers of C are to one segment (worker/firmware/firmware.h); stacks have 1 KiB.
FIRMWARE_CFLAGS := -std=gnu17 -march=i386 -mregparm=3 -mpreferred-stack-boundary=2 -Os -g \
                   -ffreestanding -fno-strict-aliasing -fno-common -fno-pic -fno-pie \
                   -mgeneral-regs-only -fcf-protection=none -fomit-frame-pointer \
                   -fno-asynchronous-unwind-tables -fno-stack-protector -ffunction-sections \
                   -fdata-sections -fno-tree-loop-distribute-patterns \
                   -ffile-prefix-map=$(CURDIR)=. -I. $(WARNINGS)
FIRMWARE_LDFLAGS := -m elf_i386 -nostdlib -static --no-check-sections --gc-sections \
                    -z noexecstack --build-id=none --fatal-warnings --no-warn-rwx-segments

$(BUILD)/firmware/%.c.o: %.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC    $< (firmware)"
	$(Q)$(CC) $(FIRMWARE_CFLAGS) -m16 -MMD -MP -c $< -o $@

# The same for protected mode, where it runs anywhere: without tables, under names of its own.
$(BUILD)/firmware/protected/%.o: worker/firmware/%.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC    $< (firmware, protected mode)"
	$(Q)$(CC) $(FIRMWARE_CFLAGS) -m32 -fno-jump-tables -fno-tree-switch-conversion \
	    -MMD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@.plain
	$(Q)$(OBJCOPY) --prefix-symbols=protected_ --prefix-alloc-sections=.protected $@.plain $@

$(BUILD)/firmware/%.asm.o: %.asm Makefile | setup
	@mkdir -p $(@D)
	@echo "  NASM  $< (firmware)"
	$(Q)$(NASM) -f elf32 -Werror -I./ -I$(BUILD)/ -MD $(@:.o=.d) -MP -o $@ $<

# Drawing the fonts takes a program for this machine.
$(BUILD)/firmware/glyphs: tools/glyphs.c worker/firmware/vga/glyphs.c lib/font.c lib/font.h \
                          worker/firmware/vga/glyphs.h | setup
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -I. $(WARNINGS) -o $@ $(filter %.c,$^)

$(BUILD)/firmware/fonts.bin: $(BUILD)/firmware/glyphs
	@echo "  FONTS $@"
	$(Q)$< $@

$(BUILD)/firmware/worker/firmware/vga/fonts.asm.o: $(BUILD)/firmware/fonts.bin

$(BUILD)/firmware/firmware.elf: worker/firmware/firmware.ld $(FIRMWARE_OBJECTS)
	@echo "  LD    $@"
	$(Q)$(LD) $(FIRMWARE_LDFLAGS) -T worker/firmware/firmware.ld -o $@ $(FIRMWARE_OBJECTS)

$(BUILD)/firmware/vga.elf: worker/firmware/vga/vga.ld $(VGA_OBJECTS)
	@echo "  LD    $@"
	$(Q)$(LD) $(FIRMWARE_LDFLAGS) -T worker/firmware/vga/vga.ld -o $@ $(VGA_OBJECTS)

$(BUILD)/firmware/%.bin: $(BUILD)/firmware/%.elf
	$(Q)$(OBJCOPY) -O binary $< $@

$(BUILD)/firmware.bin: $(BUILD)/firmware/vga.bin $(BUILD)/firmware/firmware.bin tools/firmware.py
	@echo "  BIOS  $@"
	$(Q)$(PYTHON) tools/firmware.py $(BUILD)/firmware/vga.bin $(BUILD)/firmware/firmware.bin $@

# Structure offsets for NASM: a C file emits them as text into its assembly, from which they are
# picked (see hypervisor/asm_offsets.c.in).
$(BUILD)/asm_offsets.inc: hypervisor/asm_offsets.c.in Makefile | setup
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	$(Q)$(CC) $(KERNEL_CFLAGS) -x c -MMD -MP -MF $(BUILD)/asm_offsets.d -MT $@ \
	    -S $< -o $(BUILD)/asm_offsets.s
	$(Q)sed -n 's/^@@ \([A-Z0-9_]*\) \$$\{0,1\}\(-\{0,1\}[0-9]*\)$$/%define \1 \2/p' \
	    $(BUILD)/asm_offsets.s > $@

# link_image NAME,LINKER SCRIPT,OBJECTS. Linked three times: without the table for backtraces, then
# with a table of the right size, which moves code behind it, then with the right numbers. (NASM puts
# its input's name, as given, into the object.)
define link_image
$(BUILD)/$(1).elf: $(2) $(3) tools/symbols.py
	@echo "  LD    $$@"
	$(Q)set -e; table=$(BUILD)/$(1).symbols; \
	link() { \
	    (cd $(BUILD) && $(NASM) -f elf64 -o $(1).symbols.o $(1).symbols.asm); \
	    $(LD) $(KERNEL_LDFLAGS) -T $(2) -o $(BUILD)/$(1).linking $(3) $$$$table.o; \
	}; \
	$(PYTHON) tools/symbols.py --empty $$$$table.asm; link; \
	for round in 1 2; do \
	    $(PYTHON) tools/symbols.py $(BUILD)/$(1).linking $$$$table.asm; link; \
	done; \
	$(PYTHON) tools/symbols.py --verify $(BUILD)/$(1).linking $$$$table.asm; \
	mv $(BUILD)/$(1).linking $$@
endef

$(eval $(call link_image,veneer,linker.ld,$(HYPERVISOR_OBJECTS)))
$(eval $(call link_image,parent,parent/kernel/linker.ld,$(PARENT_OBJECTS)))

# --- The boot image ------------------------------------------------------------------------------

GRUB_IMAGES := $(BUILD)/grub/bios.img $(BUILD)/grub/esp.img

$(GRUB_IMAGES) &: tools/mkgrub | setup
	@echo "  GRUB  $(BUILD)/grub"
	$(Q)tools/mkgrub $(BUILD)/grub

# What goes onto the image needs no debugging information.
$(BUILD)/iso/%.elf: $(BUILD)/%.elf
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --strip-all $< $@

KERNELS := $(BUILD)/iso/veneer.elf $(BUILD)/iso/parent.elf
# Files that the parent finds by name: the demo child, and the program that runs children.
MODULES := demo=$(BUILD)/iso/demo.elf worker=$(BUILD)/programs/worker.elf \
           firmware=$(BUILD)/firmware.bin
module_name = $(firstword $(subst =, ,$(1)))
module_file = $(lastword $(subst =, ,$(1)))

$(BUILD)/veneer.iso: $(KERNELS) $(foreach m,$(MODULES),$(call module_file,$(m))) $(GRUB_IMAGES) \
                     boot/grub.cfg tools/mkiso
	@echo "  ISO   $@"
	$(Q)tools/mkiso --grub $(BUILD)/grub -o $@ $(KERNELS) \
	    $(foreach m,$(MODULES),--module=$(call module_file,$(m))=$(call module_name,$(m)))

# --- Running and checking ------------------------------------------------------------------------

RUN_VM = tools/run-vm --build $(BUILD) --platform $(PLATFORM) --firmware $(FIRMWARE) \
         --cpus $(CPUS) --memory $(MEM)
# The VM store that `run` keeps. What a user puts into store/ is on it at the next run.
STORE := $(BUILD)/store.img

.PHONY: run debug test bench size lint clean help setup
run: $(IMAGES)
	@tools/mkstore $(STORE) store
	@$(RUN_VM) --store $(STORE)

debug: $(IMAGES)
	@$(RUN_VM) --gdb

test: $(IMAGES)
	@tests/run --build $(BUILD) --debug $(DEBUG) $(T)

bench: $(IMAGES)
	@tests/bench/run --build $(BUILD)

size: $(IMAGES)
	@tools/size $(BUILD)

KERNEL_SOURCES := $(HYPERVISOR_SOURCES) $(PARENT_SOURCES) $(DEMO_SOURCES) $(LIB_SOURCES) \
                  $(WORKER_SOURCES)
FORMATTED = $(shell find $(wildcard boot hypervisor include lib parent vmbus vsc vsp worker tests) \
              -name '*.[ch]')

lint: | setup
	$(Q)clang-format --dry-run --Werror $(FORMATTED)
	$(Q)cppcheck --quiet --std=c11 --enable=warning,performance,portability --error-exitcode=1 \
	    --suppressions-list=tools/cppcheck.txt -I. -DVENEER_DEBUG=0 $(KERNEL_SOURCES)
	$(Q)if command -v clang-tidy > /dev/null; then \
	    clang-tidy --quiet $(KERNEL_SOURCES) -- -std=gnu17 -ffreestanding -I. -DVENEER_DEBUG=0; fi

clean:
	rm -rf $(BUILD)

help:
	@echo 'make          build/veneer.elf, parent.elf, demo.elf and veneer.iso (CD and USB stick)'
	@echo 'make run      boot it; serial console here, Ctrl-A x leaves'
	@echo '                PLATFORM=qemu|bochs FIRMWARE=bios|uefi CPUS=n MEM=MiB'
	@echo 'make test     all tests; T=PREFIX selects, e.g. T=boot- (tests/run --help: more)'
	@echo 'make bench    what operations cost, beside Linux and KVM; writes build/bench.json'
	@echo 'make debug    boot it in QEMU, stopped, with gdb attached; variables as for run'
	@echo 'make size     lines and loaded bytes per component'
	@echo 'make lint     formatting and static analysis'
	@echo 'make clean    remove the build directory'
	@echo 'Everywhere: BUILD=dir (build), DEBUG=1 (assertions, in build/debug), V=1 (show commands)'

# Installs what the goals need and this machine lacks. Asked for before the first compilation.
SETUP_GROUPS := build \
    $(if $(filter run debug,$(MAKECMDGOALS)),$(PLATFORM) $(if $(filter uefi,$(FIRMWARE)),uefi)) \
    $(if $(filter debug,$(MAKECMDGOALS)),gdb) \
    $(if $(filter test,$(MAKECMDGOALS))$(findstring /host/,$(MAKECMDGOALS)),test) \
    $(if $(filter bench,$(MAKECMDGOALS)),bench) \
    $(if $(filter lint,$(MAKECMDGOALS)),lint)

setup:
	@tools/setup $(SETUP_GROUPS)

.SECONDARY: $(WORKER_OBJECTS) $(USER_RUNTIME_OBJECTS) $(USER_LIB_OBJECTS) \
            $(call user_objects,$(PROGRAM_NAMES:%=parent/user/programs/%.c))
-include $(WORKER_OBJECTS:.o=.d)
-include $(USER_RUNTIME_OBJECTS:.o=.d) $(USER_LIB_OBJECTS:.o=.d)
-include $(patsubst %,$(BUILD)/user/parent/user/programs/%.c.d,$(PROGRAM_NAMES))
-include $(HYPERVISOR_OBJECTS:.o=.d) $(PARENT_OBJECTS:.o=.d) $(DEMO_OBJECTS:.o=.d)
-include $(FIRMWARE_OBJECTS:.o=.d) $(VGA_OBJECTS:.o=.d)
-include $(BUILD)/asm_offsets.d
include tests/host.mk
