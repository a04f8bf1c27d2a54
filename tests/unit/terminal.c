#include "parent/drivers/terminal.h"

#include "tests/unit/unit.h"

#define COLUMNS 8u
#define ROWS 4u
#define HISTORY 5u

static struct screen screen;
static struct screen_cells cells, live;
static struct terminal_line history[HISTORY];
static struct terminal terminal;
static uint16_t memory[ROWS][COLUMNS];

static void prepare(void)
{
    struct screen_mode mode = {
        .type = SCREEN_VGA_TEXT, .pitch = 2 * COLUMNS, .width = COLUMNS, .height = ROWS};

    CHECK(screen_init(&screen, &mode, memory, &cells));
    terminal_init(&terminal, &screen, history, HISTORY, &live);
}

static void put(const char *text)
{
    while (*text != '\0')
        terminal_put(&terminal, *text++);
}

/* The screen's rows, without blanks at their ends, with | between. */
static const char *shown(void)
{
    static char text[ROWS * (COLUMNS + 1) + 1];
    size_t length = 0;

    for (unsigned row = 0; row < ROWS; row++) {
        size_t end = length;

        for (unsigned column = 0; column < COLUMNS; column++) {
            text[length++] = (char)memory[row][column];
            if ((char)memory[row][column] != ' ')
                end = length;
        }
        length = end;
        text[length++] = '|';
    }
    text[length - 1] = '\0';
    return text;
}

static void test_text(void)
{
    prepare();
    put("one\ntwo\n\x1b[31mred\x1b[0m\x1b[?25l");
    CHECK_TEXT(shown(), "one|two|red|");
    put("\nx\ny");
    CHECK_TEXT(shown(), "two|red|x|y");
    put("\x1b"
        "c\x1b[9999999999999m\x1b[1;2;3;4;5;6;7m!");
    CHECK_TEXT(shown(), "two|red|x|y!");
    put("\x1b[12\nz"); /* a sequence that is none */
    CHECK_TEXT(shown(), "two|red|x|y!z");
}

static void test_editing(void)
{
    prepare();
    put("abcdef\x1b[3D\x1b[K");
    CHECK_TEXT(shown(), "abc|||");
    put("X\x1b[1GY\x1b[C\x1b[1K");
    CHECK_TEXT(shown(), "   X|||");
    put("\r\x1b[2Kq\x1b[3;5Hr\x1b[As\x1b[99Bt\x1b[99Cu\x1b[99A\x1b[99Dv");
    CHECK_TEXT(shown(), "v|     s|    r|      tu");
    put("\x1b[2;3H\x1b[J");
    CHECK_TEXT(shown(), "v|||");
    put("\x1b[4;1Hend\x1b[3;1H\x1b[1J");
    CHECK_TEXT(shown(), "|||end");
    put("\x1b[2J\x1b[H.");
    CHECK_TEXT(shown(), ".|||");
    put("\x1b[1000;1000H!");
    CHECK_TEXT(shown(), ".|||       !");
}

static void test_history(void)
{
    prepare();
    terminal_scroll(&terminal, true); /* there is nothing yet */
    for (char c = 'a'; c < 'k'; c++) {
        char line[] = {c, c == 'j' ? '\0' : '\n', '\0'};

        put(line);
    }
    CHECK_TEXT(shown(), "g|h|i|j");
    terminal_scroll(&terminal, true);
    CHECK_TEXT(shown(), "e|f|g|h");
    terminal_scroll(&terminal, true);
    CHECK_TEXT(shown(), "c|d|e|f");
    terminal_scroll(&terminal, true);
    terminal_scroll(&terminal, true);
    CHECK_TEXT(shown(), "b|c|d|e"); /* a is lost */
    terminal_scroll(&terminal, false);
    CHECK_TEXT(shown(), "d|e|f|g");
    terminal_scroll(&terminal, false);
    terminal_scroll(&terminal, false);
    CHECK_TEXT(shown(), "g|h|i|j");
    terminal_scroll(&terminal, true);
    put("k"); /* what is written is seen */
    CHECK_TEXT(shown(), "g|h|i|jk");
    put("lmnopqrs");
    CHECK_TEXT(shown(), "h|i|jklmnopq|rs");
    terminal_scroll(&terminal, true);
    CHECK_TEXT(shown(), "f|g|h|i");

    terminal_init(&terminal, &screen, NULL, 0, NULL);
    put("\n\n\n\n1");
    terminal_scroll(&terminal, true);
    CHECK_TEXT(shown(), "|||1");
}

static void test_cursor(void)
{
    prepare();
    put("ab");
    terminal_show_cursor(&terminal, true);
    CHECK_EQUAL(memory[0][2], 0x7020);
    terminal_show_cursor(&terminal, true);
    put("\b");
    CHECK_EQUAL(memory[0][2], 0x0720);
    terminal_show_cursor(&terminal, true);
    CHECK_EQUAL(memory[0][1], 0x7000 | 'b');
    put("\n\n\n\n");
    terminal_show_cursor(&terminal, true);
    terminal_scroll(&terminal, true);
    for (unsigned row = 0; row < ROWS; row++)
        for (unsigned column = 0; column < COLUMNS; column++)
            CHECK_EQUAL(memory[row][column] >> 8, 0x07);
    put("12345678"); /* at the end of the row there is no place for it */
    terminal_show_cursor(&terminal, true);
    put("9");
    CHECK_EQUAL(memory[ROWS - 1][0], 0x0700 | '9');
}

int main(void)
{
    test_text();
    test_editing();
    test_history();
    test_cursor();
    return unit_result();
}
