#include "worker/firmware/keyboard_map.h"

#include "tests/unit/unit.h"

static void test_characters(void)
{
    CHECK_EQUAL(keyboard_map(0x1e, false, 0), 0x1e61);
    CHECK_EQUAL(keyboard_map(0x1e, false, FLAG_LEFT_SHIFT), 0x1e41);
    CHECK_EQUAL(keyboard_map(0x1e, false, FLAG_CAPS), 0x1e41);
    CHECK_EQUAL(keyboard_map(0x1e, false, FLAG_CAPS | FLAG_RIGHT_SHIFT), 0x1e61);
    CHECK_EQUAL(keyboard_map(0x02, false, FLAG_CAPS), 0x0231);
    CHECK_EQUAL(keyboard_map(0x02, false, FLAG_LEFT_SHIFT), 0x0221);
    CHECK_EQUAL(keyboard_map(0x1c, false, 0), 0x1c0d);
    CHECK_EQUAL(keyboard_map(0x01, false, 0), 0x011b);
    CHECK_EQUAL(keyboard_map(0x39, false, 0), 0x3920);
    CHECK_EQUAL(keyboard_map(0x35, false, FLAG_LEFT_SHIFT), 0x353f);
    CHECK_EQUAL(keyboard_map(0x0f, false, FLAG_LEFT_SHIFT), 0x0f00);
    CHECK_EQUAL(keyboard_map(0x56, false, 0), 0x565c);
}

static void test_ctrl_and_alt(void)
{
    CHECK_EQUAL(keyboard_map(0x2e, false, FLAG_CTRL), 0x2e03);
    CHECK_EQUAL(keyboard_map(0x1c, false, FLAG_CTRL), 0x1c0a);
    CHECK_EQUAL(keyboard_map(0x0e, false, FLAG_CTRL), 0x0e7f);
    CHECK_EQUAL(keyboard_map(0x03, false, FLAG_CTRL), 0x0300);
    CHECK_EQUAL(keyboard_map(0x02, false, FLAG_CTRL), 0);
    CHECK_EQUAL(keyboard_map(0x1e, false, FLAG_ALT), 0x1e00);
    CHECK_EQUAL(keyboard_map(0x02, false, FLAG_ALT), 0x7800);
    CHECK_EQUAL(keyboard_map(0x0d, false, FLAG_ALT), 0x8300);
}

static void test_function_keys(void)
{
    CHECK_EQUAL(keyboard_map(0x3b, false, 0), 0x3b00);
    CHECK_EQUAL(keyboard_map(0x3b, false, FLAG_LEFT_SHIFT), 0x5400);
    CHECK_EQUAL(keyboard_map(0x44, false, FLAG_CTRL), 0x6700);
    CHECK_EQUAL(keyboard_map(0x44, false, FLAG_ALT), 0x7100);
    CHECK_EQUAL(keyboard_map(0x57, false, 0), 0x8500);
    CHECK_EQUAL(keyboard_map(0x58, false, FLAG_ALT), 0x8c00);
}

static void test_keypad(void)
{
    CHECK_EQUAL(keyboard_map(0x48, false, 0), 0x4800);
    CHECK_EQUAL(keyboard_map(0x48, false, FLAG_NUM), 0x4838);
    CHECK_EQUAL(keyboard_map(0x48, false, FLAG_LEFT_SHIFT), 0x4838);
    CHECK_EQUAL(keyboard_map(0x48, false, FLAG_NUM | FLAG_LEFT_SHIFT), 0x4800);
    CHECK_EQUAL(keyboard_map(0x48, true, FLAG_NUM), 0x48e0);
    CHECK_EQUAL(keyboard_map(0x4b, true, FLAG_CTRL), 0x73e0);
    CHECK_EQUAL(keyboard_map(0x53, true, FLAG_ALT), 0xa300);
    CHECK_EQUAL(keyboard_map(0x4a, false, 0), 0x4a2d);
    CHECK_EQUAL(keyboard_map(0x4e, false, FLAG_NUM), 0x4e2b);
    CHECK_EQUAL(keyboard_map(0x1c, true, 0), 0xe00d);
    CHECK_EQUAL(keyboard_map(0x35, true, FLAG_LEFT_SHIFT), 0xe02f);
}

/* Any code with any flags is a key of its own scan code or none, and nothing reads beyond a table.
 */
static void test_everything(void)
{
    for (unsigned code = 0; code < 0x80; code++) {
        for (unsigned flags = 0; flags < 0x100; flags++) {
            keyboard_map((uint8_t)code, false, (uint8_t)flags);
            keyboard_map((uint8_t)code, true, (uint8_t)flags);
        }
    }
    CHECK_EQUAL(keyboard_map(0x2a, false, 0), 0);
    CHECK_EQUAL(keyboard_map(0x7f, false, 0), 0);
    CHECK_EQUAL(keyboard_map(0x1e, true, 0), 0);
}

int main(void)
{
    test_characters();
    test_ctrl_and_alt();
    test_function_keys();
    test_keypad();
    test_everything();
    return unit_failures != 0;
}
