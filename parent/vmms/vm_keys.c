#include "parent/vmms/vm_keys.h"

#include "lib/cmdline.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "parent/vmms/vm_config.h"

#define SUGGEST_DISTANCE 3 /* letters that may be wrong */
#define CHOICES_MAX 3

enum value_type { NUMBER, MEBIBYTES, CHOICE, PATH, TEXT, BOOT, NIC };

struct vm_key {
    const char *name;
    enum value_type type;
    uint32_t offset;                      /* in struct vm_config */
    uint32_t size;                        /* of a text, with its zero */
    uint32_t minimum, maximum, otherwise; /* of a number; the default, also of a choice */
    unsigned count;                       /* > 0: NAME.0 to NAME.count-1 */
    const char *choices[CHOICES_MAX];     /* their numbers are 0, 1, … */
};

#define AT(member) offsetof(struct vm_config, member)
#define NO_YES                                                                                     \
    {                                                                                              \
        "no", "yes"                                                                                \
    }

static const struct vm_key keys[] = {
    {"kind", CHOICE, AT(kind), .choices = {"enlightened", "pc"}},
    {"processors", NUMBER, AT(processors), .minimum = 1, .maximum = 32, .otherwise = 1},
    {"memory", MEBIBYTES, AT(memory), .minimum = 16, .maximum = 1u << 20, .otherwise = 64},
    {"kernel", PATH, AT(kernel), VM_PATH_SIZE},
    {"initrd", PATH, AT(initrd), VM_PATH_SIZE},
    {"cmdline", TEXT, AT(cmdline), VM_CMDLINE_SIZE},
    {"firmware", PATH, AT(firmware), VM_PATH_SIZE},
    {"optionrom", PATH, AT(optionrom), VM_PATH_SIZE},
    {"boot", BOOT, AT(boot), VM_BOOT_SIZE},
    {"disk", PATH, AT(disks), VM_PATH_SIZE, .count = VM_DISKS_MAX},
    {"cd", PATH, AT(cd), VM_PATH_SIZE},
    {"floppy", PATH, AT(floppy), VM_PATH_SIZE},
    {"nic", NIC, AT(nics), VM_NIC_SIZE, .count = VM_NICS_MAX},
    {"vmbus", CHOICE, AT(vmbus), .choices = NO_YES},
    {"autostart", CHOICE, AT(autostart), .choices = NO_YES},
    {"stop", CHOICE, AT(stop), .choices = {"shutdown", "kill"}},
    {"stop_timeout", NUMBER, AT(stop_timeout), .minimum = 1, .maximum = 3600, .otherwise = 60},
    {"serial_log", CHOICE, AT(serial_log), .otherwise = 1, .choices = NO_YES},
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static unsigned places(const struct vm_key *key)
{
    return key->count > 0 ? key->count : 1;
}

static bool is_text(const struct vm_key *key)
{
    return key->size > 0;
}

/* --- Finding keys --- */

bool vm_key_find(const char *name, struct vm_slot *slot)
{
    unsigned first = 0;
    for (unsigned i = 0; i < KEY_COUNT; first += places(&keys[i++])) {
        const struct vm_key *key = &keys[i];
        size_t length = strlen(key->name);
        if (strncmp(name, key->name, length) != 0)
            continue;
        const char *rest = name + length;
        bool plain = key->count == 0 && *rest == '\0';
        bool numbered = key->count > 0 && rest[0] == '.' && rest[1] >= '0' &&
                        rest[1] < '0' + (int)key->count && rest[2] == '\0';
        if (!plain && !numbered)
            continue;
        unsigned index = numbered ? (unsigned)(rest[1] - '0') : 0;
        *slot = (struct vm_slot){key, index, first + index};
        return true;
    }
    return false;
}

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned d = a < b ? a : b;
    return c < d ? c : d;
}

/* How many letters have to be changed, added or left out to make one of the other (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[VM_KEY_SIZE + 1];
    size_t width = strlen(b);
    if (width > VM_KEY_SIZE)
        return VM_KEY_SIZE;
    for (unsigned i = 0; i <= width; i++)
        row[i] = i;
    for (unsigned k = 1; *a != '\0'; a++, k++) {
        unsigned diagonal = row[0];
        row[0] = k;
        for (size_t i = 1; i <= width; i++) {
            unsigned above = row[i];
            row[i] = smallest(above + 1, row[i - 1] + 1, diagonal + (*a != b[i - 1]));
            diagonal = above;
        }
    }
    return row[width];
}

/* Says in @why that there is no @key, and which one might be meant. */
static bool no_such_key(const char *key, char why[VM_WHY_SIZE])
{
    char word[VM_KEY_SIZE];
    const struct vm_key *best = NULL;
    unsigned least = SUGGEST_DISTANCE + 1;
    size_t length = 0;
    while (length + 1 < sizeof(word) && key[length] != '\0' && key[length] != '.')
        length++;
    string_copy(word, key, length + 1);
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        unsigned d = distance(word, keys[i].name);
        if (d >= least || d >= strlen(keys[i].name))
            continue;
        least = d;
        best = &keys[i];
    }
    if (best && best->count > 0)
        snprintf(why, VM_WHY_SIZE, "there is no key %s; there are %s.0 to %s.%u", key, best->name,
                 best->name, best->count - 1);
    else if (best)
        snprintf(why, VM_WHY_SIZE, "there is no key %s; is %s meant?", key, best->name);
    else
        snprintf(why, VM_WHY_SIZE, "there is no key %s; vm help keys lists them", key);
    return false;
}

const char *vm_config_key(unsigned n)
{
    static const char *const repeated[] = {"disk.N", "nic.N"};
    if (n >= KEY_COUNT)
        return NULL;
    if (keys[n].count == 0)
        return keys[n].name;
    return repeated[keys[n].type == NIC];
}

/* --- Values --- */

/* The value that is no text. */
static uint32_t *number_of(struct vm_config *config, const struct vm_key *key)
{
    return (uint32_t *)((char *)config + key->offset);
}

static char *text_of(struct vm_config *config, const struct vm_slot *slot)
{
    return (char *)config + slot->key->offset + slot->index * slot->key->size;
}

static bool set_number(const struct vm_key *key, const char *value, uint32_t *number,
                       char why[VM_WHY_SIZE])
{
    bool memory = key->type == MEBIBYTES;
    uint64_t wanted = 0;
    bool good = parse_number(value, &wanted);
    if (!good && memory && parse_size(value, &wanted)) {
        good = wanted % (1u << 20) == 0;
        wanted >>= 20;
    }
    if (good && wanted >= key->minimum && wanted <= key->maximum) {
        *number = (uint32_t)wanted;
        return true;
    }
    snprintf(why, VM_WHY_SIZE, "%s = %.32s: say a number%s from %u to %u%s", key->name, value,
             memory ? " of MiB" : "", key->minimum, key->maximum,
             memory ? ", or for example 2G" : "");
    return false;
}

static bool set_choice(const struct vm_key *key, const char *value, uint32_t *number,
                       char why[VM_WHY_SIZE])
{
    for (unsigned i = 0; i < CHOICES_MAX && key->choices[i]; i++) {
        if (strcmp(value, key->choices[i]) != 0)
            continue;
        *number = i;
        return true;
    }
    snprintf(why, VM_WHY_SIZE, "%s = %.32s: say %s or %s", key->name, value, key->choices[0],
             key->choices[1]);
    return false;
}

/* Letters of drives, each at most once. */
static bool is_boot_order(const char *value)
{
    static const char letters[] = "acdn";
    for (const char *c = value; *c != '\0'; c++) {
        unsigned in_value = 0, known = 0;
        for (const char *d = value; *d != '\0'; d++)
            in_value += *d == *c;
        for (const char *d = letters; *d != '\0'; d++)
            known += *d == *c;
        if (in_value != 1 || known != 1)
            return false;
    }
    return true;
}

/* What a text has to look like; NULL: it does. */
static const char *complaint(const struct vm_key *key, const char *value)
{
    for (const char *c = value; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f || (key->type != TEXT && *c == ' '))
            return key->type == TEXT ? "it has a character that is no text"
                                     : "it has a space or a character that is no text";
    if (key->type == BOOT && !is_boot_order(value))
        return "say letters of drives in their order: a floppy, c disk, d CD, n network";
    if (key->type == NIC && value[0] == ',')
        return "say the name of a switch, or SWITCH,MAC";
    return NULL;
}

static bool set_text(const struct vm_slot *slot, struct vm_config *config, const char *value,
                     char why[VM_WHY_SIZE])
{
    const struct vm_key *key = slot->key;
    const char *wrong = complaint(key, value);
    if (!wrong && strlen(value) < key->size) {
        char *text = text_of(config, slot);
        memset(text, 0, key->size);
        memcpy(text, value, strlen(value));
        return true;
    }
    if (wrong)
        snprintf(why, VM_WHY_SIZE, "%s: %s", key->name, wrong);
    else
        snprintf(why, VM_WHY_SIZE, "%s: it is longer than %u characters", key->name, key->size - 1);
    return false;
}

bool vm_config_has_key(const char *key, char why[VM_WHY_SIZE])
{
    struct vm_slot slot;
    return vm_key_find(key, &slot) || no_such_key(key, why);
}

bool vm_config_set(struct vm_config *config, const char *key, const char *value,
                   char why[VM_WHY_SIZE])
{
    struct vm_slot slot;
    if (!vm_key_find(key, &slot))
        return no_such_key(key, why);
    if (is_text(slot.key))
        return set_text(&slot, config, value, why);
    uint32_t *number = number_of(config, slot.key);
    if (*value == '\0') {
        *number = slot.key->otherwise;
        return true;
    }
    return slot.key->type == CHOICE ? set_choice(slot.key, value, number, why)
                                    : set_number(slot.key, value, number, why);
}

void vm_config_init(struct vm_config *config)
{
    memset(config, 0, sizeof(*config));
    for (unsigned i = 0; i < KEY_COUNT; i++)
        if (!is_text(&keys[i]))
            *number_of(config, &keys[i]) = keys[i].otherwise;
}

/* Slot @n that has something to show. False: there are no more. */
static bool find_shown(struct vm_config *config, unsigned n, struct vm_slot *slot)
{
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        for (unsigned index = 0; index < places(&keys[i]); index++) {
            *slot = (struct vm_slot){&keys[i], index, 0};
            bool shown = !is_text(&keys[i]) || text_of(config, slot)[0] != '\0';
            if (shown && n-- == 0)
                return true;
        }
    }
    return false;
}

bool vm_config_get(const struct vm_config *config, unsigned n, char key[VM_KEY_SIZE], char *value,
                   bool *number)
{
    struct vm_config *from = (struct vm_config *)config; /* is only read */
    struct vm_slot slot;
    if (!find_shown(from, n, &slot))
        return false;
    if (slot.key->count > 0)
        snprintf(key, VM_KEY_SIZE, "%s.%u", slot.key->name, slot.index);
    else
        string_copy(key, slot.key->name, VM_KEY_SIZE);
    *number = slot.key->type == NUMBER || slot.key->type == MEBIBYTES;
    if (is_text(slot.key))
        string_copy(value, text_of(from, &slot), VM_CMDLINE_SIZE);
    else if (*number)
        snprintf(value, VM_CMDLINE_SIZE, "%u", *number_of(from, slot.key));
    else
        string_copy(value, slot.key->choices[*number_of(from, slot.key)], VM_CMDLINE_SIZE);
    return true;
}
