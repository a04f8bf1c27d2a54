/* Unit test of the files that describe machines. */
#include "parent/vmms/vm_config.h"

#include "tests/unit/unit.h"

static char reports[2048];

static void report(void *context, unsigned line, const char *text)
{
    size_t length = strlen(reports);
    (void)context;
    snprintf(reports + length, sizeof(reports) - length, "%u: %s\n", line, text);
}

static struct vm_config config;

static bool parse(const char *text)
{
    reports[0] = '\0';
    return vm_config_parse(text, strlen(text), &config, report, NULL);
}

static void test_names(void)
{
    CHECK(vm_name_is_good("a"));
    CHECK(vm_name_is_good("web-01_x"));
    CHECK(vm_name_is_good("123456789012345"));
    CHECK(!vm_name_is_good("1234567890123456"));
    CHECK(!vm_name_is_good(""));
    CHECK(!vm_name_is_good("Web"));
    CHECK(!vm_name_is_good("a.new"));
    CHECK(!vm_name_is_good("../a"));
    CHECK(!vm_name_is_good("a b"));
    CHECK(!vm_name_is_good("--json"));
}

static void test_defaults(void)
{
    CHECK(parse(""));
    CHECK_EQUAL(config.kind, VM_ENLIGHTENED);
    CHECK_EQUAL(config.processors, 1);
    CHECK_EQUAL(config.memory, 64);
    CHECK_EQUAL(config.autostart, 0);
    CHECK_EQUAL(config.stop, VM_STOP_SHUTDOWN);
    CHECK_EQUAL(config.stop_timeout, 60);
    CHECK_EQUAL(config.serial_log, 1);
    CHECK_TEXT(config.kernel, "");
}

static void test_whole(void)
{
    CHECK(parse("# a machine\r\n"
                "\n"
                "  kind = enlightened \r\n"
                "processors=4\n"
                "memory = 2G\n"
                "kernel = /vmlinuz\n"
                "initrd = /initrd\n"
                "\tcmdline = console=ttyS0 root=/dev/sda1 # no comment\n"
                "disk.0 = /vms/a/disk0.vhd\n"
                "disk.7 = disk1p2\n"
                "nic.0 = lan,02:15:5d:00:00:01\n"
                "nic.3 = lan\n"
                "autostart = yes\nstop = kill\nstop_timeout = 5\nserial_log = no"));
    CHECK_TEXT(reports, "");
    CHECK_EQUAL(config.processors, 4);
    CHECK_EQUAL(config.memory, 2048);
    CHECK_TEXT(config.cmdline, "console=ttyS0 root=/dev/sda1 # no comment");
    CHECK_TEXT(config.disks[0], "/vms/a/disk0.vhd");
    CHECK_TEXT(config.disks[1], "");
    CHECK_TEXT(config.disks[7], "disk1p2");
    CHECK_TEXT(config.nics[0], "lan,02:15:5d:00:00:01");
    CHECK_TEXT(config.nics[3], "lan");
    CHECK_EQUAL(config.autostart, 1);
    CHECK_EQUAL(config.stop, VM_STOP_KILL);
    CHECK_EQUAL(config.stop_timeout, 5);
    CHECK_EQUAL(config.serial_log, 0);
}

static void test_pc(void)
{
    CHECK(parse("kind = pc\ncd = empty\nfloppy = /f.img\nboot = dca\nvmbus = yes\ndisk.3 = /a.img\n"
                "firmware = bios\n"));
    CHECK_EQUAL(config.kind, VM_PC);
    CHECK_TEXT(config.boot, "dca");
    CHECK_EQUAL(config.vmbus, 1);
}

/* All that is wrong is told, each with its line. */
static void test_reports(void)
{
    CHECK(
        !parse("memmory = 5\n\nprocessors = 0\ndisk = /a\nnothing\ndisk.8 = /a\nxyzzyplugh = 1\n"));
    CHECK_TEXT(reports, "1: there is no key memmory; is memory meant?\n"
                        "3: processors = 0: say a number from 1 to 32\n"
                        "4: there is no key disk; there are disk.0 to disk.7\n"
                        "5: it is neither \"key = value\" nor a comment with # at its start\n"
                        "6: there is no key disk.8; there are disk.0 to disk.7\n"
                        "7: there is no key xyzzyplugh; vm help keys lists them\n");
}

struct wrong {
    const char *text, *reports;
};

static void test_wrong(void)
{
    static const struct wrong wrong[] = {
        {"memory = 8\n",
         "1: memory = 8: say a number of MiB from 16 to 1048576, or for example 2G\n"},
        {"memory = 1000000K\n",
         "1: memory = 1000000K: say a number of MiB from 16 to 1048576, or for example 2G\n"},
        {"kind = xen\n", "1: kind = xen: say enlightened or pc\n"},
        {"autostart = true\n", "1: autostart = true: say no or yes\n"},
        {"kernel =\n", "1: kernel has no value: leave the line out for the default\n"},
        {"memory = 64\nmemory = 64\n", "2: memory is in line 1 already\n"},
        {"kernel = a b\n", "1: kernel: it has a space or a character that is no text\n"},
        {"cmdline = a\x1b[2J\n", "1: it has a character that is no text\n"},
        {"boot = dd\n",
         "1: boot: say letters of drives in their order: a floppy, c disk, d CD, n network\n"},
        {"nic.0 = ,02:15:5d:00:00:01\n", "1: nic: say the name of a switch, or SWITCH,MAC\n"},
        {"kernel = /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", ""},
        {"kernel = /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx45\n",
         "1: kernel: it is longer than 63 characters\n"},
        {"kind = pc\nkernel = /a\n", "0: kernel, initrd and cmdline are for kind = enlightened: "
                                     "the firmware of a pc loads what "
                                     "is on its disks\n"},
        {"kind = pc\ndisk.4 = /a\n", "0: a pc has disk.0 to disk.3\n"},
        {"kind = pc\ncd = /a.iso\ndisk.2 = /b\n",
         "0: cd has the place of disk.2: use disk.0, disk.1 or disk.3\n"},
        {"cd = /a.iso\n",
         "0: firmware, optionrom, cd, floppy and boot are for kind = pc (here, a CD is a "
         "disk.N whose image ends in .iso)\n"},
        {"vmbus = yes\n", "0: vmbus is for kind = pc: the enlightened kind always has a bus\n"},
        {"initrd = /a\n", "0: initrd needs a kernel\n"},
        {"disk.0 = /a\ndisk.1 = /a\n", "0: a disk is there twice\n"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK(parse(wrong[i].text) == (wrong[i].reports[0] == '\0'));
        CHECK_TEXT(reports, wrong[i].reports);
    }
}

static void test_size(void)
{
    static char text[VM_TEXT_SIZE + 1];
    memset(text, '\n', VM_TEXT_SIZE);
    CHECK(!parse(text));
    text[VM_TEXT_SIZE - 1] = '\0';
    CHECK(parse(text));
    memset(text, 'a', VM_TEXT_SIZE - 1);
    CHECK(!parse(text));
    memcpy(text, "cmdline = ", 10);
    CHECK(!parse(text));
    CHECK_TEXT(reports, "1: the value is too long\n");
}

/* Settings are shown so that they can be read again. */
static void test_get(void)
{
    char key[VM_KEY_SIZE], value[VM_CMDLINE_SIZE], text[1024] = "";
    bool number;
    CHECK(parse("memory = 128\ndisk.1 = /b\nnic.2 = lan\n"));
    for (unsigned n = 0; vm_config_get(&config, n, key, value, &number); n++) {
        CHECK(number == (value[0] >= '0' && value[0] <= '9'));
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s = %s\n", key, value);
    }
    CHECK_TEXT(text, "kind = enlightened\nprocessors = 1\nmemory = 128\ndisk.1 = /b\nnic.2 = lan\n"
                     "vmbus = no\nautostart = no\nstop = shutdown\nstop_timeout = 60\n"
                     "serial_log = yes\n");
    struct vm_config first = config;
    CHECK(parse(text));
    CHECK(memcmp(&first, &config, sizeof(first)) == 0);
}

static void test_set(void)
{
    char why[VM_WHY_SIZE];
    vm_config_init(&config);
    CHECK(vm_config_set(&config, "memory", "100", why));
    CHECK(vm_config_set(&config, "memory", "", why));
    CHECK_EQUAL(config.memory, 64);
    CHECK(vm_config_set(&config, "cd", "/a.iso", why) && vm_config_set(&config, "cd", "", why));
    CHECK_TEXT(config.cd, "");
    CHECK(!vm_config_set(&config, "memory.0", "100", why));
    CHECK_EQUAL(config.memory, 64);
    CHECK(!vm_config_set(&config, "memory", "4294967360", why));
}

static void test_text(void)
{
    static char text[VM_TEXT_SIZE] = "# mine\nmemory = 64\n# disk.0 = /a\ndisk.0=/a";
    CHECK(vm_text_set(text, "memory", "128"));
    CHECK(vm_text_set(text, "processors", "2"));
    CHECK_TEXT(text, "# mine\nmemory = 128\n# disk.0 = /a\ndisk.0=/a\nprocessors = 2\n");
    CHECK(vm_text_set(text, "disk.0", ""));
    CHECK(vm_text_set(text, "nothing", ""));
    CHECK_TEXT(text, "# mine\nmemory = 128\n# disk.0 = /a\nprocessors = 2\n");
    memset(text, '#', VM_TEXT_SIZE - 9);
    text[VM_TEXT_SIZE - 9] = '\0';
    CHECK(!vm_text_set(text, "cd", "/a")); /* with the line end that is missing, one too many */
    CHECK_EQUAL(strlen(text), VM_TEXT_SIZE - 9);
    text[VM_TEXT_SIZE - 10] = '\n';
    CHECK(vm_text_set(text, "cd", "/a"));
    CHECK_EQUAL(strlen(text), VM_TEXT_SIZE - 1);
}

static void test_keys(void)
{
    unsigned n = 0;
    while (vm_config_key(n))
        n++;
    CHECK_EQUAL(n, 18);
    CHECK_TEXT(vm_config_key(9), "disk.N");
    CHECK_TEXT(vm_config_key(12), "nic.N");
}

int main(void)
{
    test_names();
    test_defaults();
    test_whole();
    test_pc();
    test_reports();
    test_wrong();
    test_size();
    test_get();
    test_set();
    test_text();
    test_keys();
    return unit_result();
}
