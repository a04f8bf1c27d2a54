/* Reads random configurations; what can be read has to come back the same when it is shown, and
 * when a setting is changed in the text. */
#include "parent/vmms/vm_config.h"

#include "tests/fuzz/fuzz.h"

static void report(void *context, unsigned line, const char *text)
{
    unsigned *reports = context;
    (void)line;
    FUZZ_CHECK(strlen(text) < VM_WHY_SIZE && text[0] != '\0');
    ++*reports;
}

static bool parse(const char *text, size_t size, struct vm_config *config)
{
    unsigned reports = 0;
    bool good = vm_config_parse(text, size, config, report, &reports);
    FUZZ_CHECK(good == (reports == 0));
    return good;
}

static void check_shown(const struct vm_config *config)
{
    static char text[VM_TEXT_SIZE], value[VM_CMDLINE_SIZE];
    char key[VM_KEY_SIZE];
    struct vm_config again;
    bool number;
    text[0] = '\0';
    for (unsigned n = 0; vm_config_get(config, n, key, value, &number); n++)
        FUZZ_CHECK(vm_text_set(text, key, value));
    FUZZ_CHECK(parse(text, strlen(text), &again));
    FUZZ_CHECK(memcmp(config, &again, sizeof(again)) == 0);
}

/* Changes one setting of a good text, and of what it means. */
static void check_change(char text[VM_TEXT_SIZE], struct vm_config *config, const char *key,
                         const char *value)
{
    char why[VM_WHY_SIZE];
    struct vm_config again;
    if (!vm_config_set(config, key, value, why) || value[0] == ' ' ||
        (value[0] != '\0' && value[strlen(value) - 1] == ' ') || !vm_text_set(text, key, value))
        return;
    bool good = vm_config_check(config) == NULL;
    FUZZ_CHECK(parse(text, strlen(text), &again) == good);
    FUZZ_CHECK(!good || memcmp(config, &again, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[VM_TEXT_SIZE];
    struct fuzz_input input = {data, size};
    struct vm_config config;
    char key[VM_KEY_SIZE], value[64];

    fuzz_text(&input, key, sizeof(key));
    fuzz_text(&input, value, sizeof(value));
    char *exact = malloc(input.size > 0 ? input.size : 1); /* for the address sanitizer */
    memcpy(exact, input.data, input.size);
    bool good = parse(exact, input.size, &config);
    if (good && !memchr(exact, '\0', input.size)) {
        memcpy(text, exact, input.size);
        text[input.size] = '\0';
        check_shown(&config);
        check_change(text, &config, key, value);
    }
    free(exact);
    return 0;
}
