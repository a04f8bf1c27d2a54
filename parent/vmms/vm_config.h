/* What a virtual machine is made of, as its file /vms/NAME/vm.conf says: lines `key = value`, empty
 * lines, and comments from a # at the start of a line on. docs/manual.md has all keys. The text is
 * what is kept: a change is one of the text, so a person's comments stay.
 *
 * Pure logic: any context, no locks, no memory of its own. The text may come from anywhere. */
#ifndef VENEER_PARENT_VMMS_VM_CONFIG_H
#define VENEER_PARENT_VMMS_VM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VM_NAME_SIZE 16 /* with the zero at its end */
#define VM_PATH_SIZE 64
#define VM_NIC_SIZE 40 /* SWITCH,MAC */
#define VM_CMDLINE_SIZE 512
#define VM_BOOT_SIZE 5
#define VM_DISKS_MAX 8
#define VM_IDE_DISKS_MAX 4
#define VM_NICS_MAX 4
#define VM_KEY_SIZE 24
#define VM_TEXT_SIZE 8192 /* of a whole file, with the zero at its end */
#define VM_WHY_SIZE 160

enum vm_kind { VM_ENLIGHTENED, VM_PC };
enum vm_stop_action { VM_STOP_SHUTDOWN, VM_STOP_KILL };

/* Texts that are empty are not given. */
struct vm_config {
    uint32_t kind; /* enum vm_kind */
    uint32_t processors;
    uint32_t memory;                                                           /* MiB */
    char kernel[VM_PATH_SIZE], initrd[VM_PATH_SIZE], cmdline[VM_CMDLINE_SIZE]; /* enlightened */
    char optionrom[VM_PATH_SIZE]; /* pc, as firmware to boot */
    char firmware[VM_PATH_SIZE], cd[VM_PATH_SIZE], floppy[VM_PATH_SIZE]; /* pc, as boot */
    char boot[VM_BOOT_SIZE];
    char disks[VM_DISKS_MAX][VM_PATH_SIZE]; /* by LUN; pc: by IDE position */
    char nics[VM_NICS_MAX][VM_NIC_SIZE];
    uint32_t vmbus;        /* 1: a pc has a bus, too */
    uint32_t autostart;    /* 1: it starts with the system */
    uint32_t stop;         /* enum vm_stop_action, when the system ends */
    uint32_t stop_timeout; /* seconds */
    uint32_t serial_log;   /* 1: what its serial port says is kept */
};

/* Called for each thing that is wrong with a text; @line counts from 1, 0: it is the whole. */
typedef void vm_config_report(void *context, unsigned line, const char *text);

/* Whether @name can be a machine's: 1 to 15 of a-z, 0-9, - and _. */
bool vm_name_is_good(const char *name);

/* All keys at what they are when the file does not have them. */
void vm_config_init(struct vm_config *config);

/* Gives @key a value, "" for what it is without. False: @why says why not, with a suggestion if
 * the key is not known, and nothing has changed. */
bool vm_config_set(struct vm_config *config, const char *key, const char *value,
                   char why[VM_WHY_SIZE]);

/* Whether there is such a key; false: @why says so, with a suggestion. */
bool vm_config_has_key(const char *key, char why[VM_WHY_SIZE]);

/* Reads @size bytes of text. False: something is wrong, all of which has been reported; @config is
 * then good for nothing. */
bool vm_config_parse(const char *text, size_t size, struct vm_config *config,
                     vm_config_report *report, void *context);

/* What in @config does not go together; NULL: all does. */
const char *vm_config_check(const struct vm_config *config);

/* Setting number @n of @config, defaults included, texts only if they are given. False: there are
 * no more. @value has room for VM_CMDLINE_SIZE bytes. *@number: it is one, for JSON. */
bool vm_config_get(const struct vm_config *config, unsigned n, char key[VM_KEY_SIZE], char *value,
                   bool *number);

/* The names of all keys, of repeatable ones with ".N" behind; NULL behind the last. */
const char *vm_config_key(unsigned n);

/* Changes @text of at most VM_TEXT_SIZE bytes with the zero: the line with @key gets @value, or is
 * removed if that is empty; if there is none, it comes to the end. False: there is no room, and
 * nothing has changed. The caller checks key and value before (vm_config_set()). */
bool vm_text_set(char *text, const char *key, const char *value);

#endif
