#include "lib/font.h"

/* The glyphs are drawn as they look: five pixels wide, twelve high; capitals stand on the ninth
 * line. These are the names of all lines of five pixels, in binary order. */
enum {
    ooooo, ooooX, oooXo, oooXX, ooXoo, ooXoX, ooXXo, ooXXX,
    oXooo, oXooX, oXoXo, oXoXX, oXXoo, oXXoX, oXXXo, oXXXX,
    Xoooo, XoooX, XooXo, XooXX, XoXoo, XoXoX, XoXXo, XoXXX,
    XXooo, XXooX, XXoXo, XXoXX, XXXoo, XXXoX, XXXXo, XXXXX,
};

#define GLYPH_WIDTH 5
#define GLYPH_HEIGHT 12
#define GLYPH_LEFT 1 /* place in the character cell */
#define GLYPH_TOP 2
#define STRIP_GLYPHS 8

/* clang-format off */
static const uint8_t strips[][GLYPH_HEIGHT][STRIP_GLYPHS] = {
    {   /* space ! " # $ % & ' */
        {ooooo, ooXoo, oXoXo, ooooo, ooXoo, oXooo, oXXoo, ooXoo},
        {ooooo, ooXoo, oXoXo, oXoXo, oXXXX, XoXoo, XooXo, ooXoo},
        {ooooo, ooXoo, oXoXo, oXoXo, XoXoo, oXooX, XooXo, ooXoo},
        {ooooo, ooXoo, ooooo, XXXXX, XoXoo, oooXo, oXXoo, ooooo},
        {ooooo, ooXoo, ooooo, oXoXo, oXXXo, ooXoo, oXooo, ooooo},
        {ooooo, ooXoo, ooooo, oXoXo, ooXoX, oXooo, XoXoX, ooooo},
        {ooooo, ooooo, ooooo, XXXXX, ooXoX, XooXo, XooXo, ooooo},
        {ooooo, ooXoo, ooooo, oXoXo, XXXXo, ooXoX, XooXo, ooooo},
        {ooooo, ooXoo, ooooo, oXoXo, ooXoo, oooXo, oXXoX, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
    },
    {   /* ( ) * + , - . / */
        {oooXo, oXooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooX},
        {ooXoo, ooXoo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooX},
        {ooXoo, ooXoo, ooXoo, ooXoo, ooooo, ooooo, ooooo, oooXo},
        {oXooo, oooXo, XoXoX, ooXoo, ooooo, ooooo, ooooo, oooXo},
        {oXooo, oooXo, oXXXo, XXXXX, ooooo, XXXXX, ooooo, ooXoo},
        {oXooo, oooXo, XoXoX, ooXoo, ooooo, ooooo, ooooo, oXooo},
        {oXooo, oooXo, ooXoo, ooXoo, ooooo, ooooo, ooooo, oXooo},
        {ooXoo, ooXoo, ooooo, ooooo, ooXoo, ooooo, ooXoo, Xoooo},
        {ooXoo, ooXoo, ooooo, ooooo, ooXoo, ooooo, ooXoo, Xoooo},
        {oooXo, oXooo, ooooo, ooooo, ooXoo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, oXooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
    },
    {   /* 0 1 2 3 4 5 6 7 */
        {oXXXo, ooXoo, oXXXo, oXXXo, oooXo, XXXXX, ooXXo, XXXXX},
        {XoooX, oXXoo, XoooX, XoooX, ooXXo, Xoooo, oXooo, ooooX},
        {XoooX, XoXoo, ooooX, ooooX, ooXXo, Xoooo, Xoooo, ooooX},
        {XooXX, ooXoo, ooooX, ooooX, oXoXo, XXXXo, Xoooo, oooXo},
        {XoXoX, ooXoo, oooXo, ooXXo, oXoXo, XoooX, XXXXo, oooXo},
        {XXooX, ooXoo, ooXoo, ooooX, XooXo, ooooX, XoooX, ooXoo},
        {XoooX, ooXoo, oXooo, ooooX, XXXXX, ooooX, XoooX, ooXoo},
        {XoooX, ooXoo, Xoooo, XoooX, oooXo, XoooX, XoooX, oXooo},
        {oXXXo, XXXXX, XXXXX, oXXXo, oooXo, oXXXo, oXXXo, oXooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
    },
    {   /* 8 9 : ; < = > ? */
        {oXXXo, oXXXo, ooooo, ooooo, ooooo, ooooo, ooooo, oXXXo},
        {XoooX, XoooX, ooooo, ooooo, oooXo, ooooo, oXooo, XoooX},
        {XoooX, XoooX, ooooo, ooooo, ooXoo, ooooo, ooXoo, ooooX},
        {XoooX, XoooX, ooXoo, ooXoo, oXooo, XXXXX, oooXo, oooXo},
        {oXXXo, oXXXX, ooXoo, ooXoo, Xoooo, ooooo, ooooX, ooXoo},
        {XoooX, ooooX, ooooo, ooooo, oXooo, ooooo, oooXo, ooXoo},
        {XoooX, ooooX, ooooo, ooooo, ooXoo, XXXXX, ooXoo, ooooo},
        {XoooX, oooXo, ooXoo, ooXoo, oooXo, ooooo, oXooo, ooXoo},
        {oXXXo, oXXoo, ooXoo, ooXoo, ooooo, ooooo, ooooo, ooXoo},
        {ooooo, ooooo, ooooo, ooXoo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, oXooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
    },
    {   /* @ A B C D E F G */
        {oXXXo, ooXoo, XXXXo, oXXXo, XXXoo, XXXXX, XXXXX, oXXXo},
        {XoooX, oXoXo, XoooX, XoooX, XooXo, Xoooo, Xoooo, XoooX},
        {XooXX, XoooX, XoooX, Xoooo, XoooX, Xoooo, Xoooo, Xoooo},
        {XoXoX, XoooX, XoooX, Xoooo, XoooX, Xoooo, Xoooo, Xoooo},
        {XoXoX, XoooX, XXXXo, Xoooo, XoooX, XXXXo, XXXXo, XoXXX},
        {XoXoX, XXXXX, XoooX, Xoooo, XoooX, Xoooo, Xoooo, XoooX},
        {XoXXo, XoooX, XoooX, Xoooo, XoooX, Xoooo, Xoooo, XoooX},
        {Xoooo, XoooX, XoooX, XoooX, XooXo, Xoooo, Xoooo, XoooX},
        {oXXXX, XoooX, XXXXo, oXXXo, XXXoo, XXXXX, Xoooo, oXXXX},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
    },
    {   /* H I J K L M N O */
        {XoooX, oXXXo, ooXXX, XoooX, Xoooo, XoooX, XoooX, oXXXo},
        {XoooX, ooXoo, oooXo, XoooX, Xoooo, XXoXX, XoooX, XoooX},
        {XoooX, ooXoo, oooXo, XooXo, Xoooo, XXoXX, XXooX, XoooX},
        {XoooX, ooXoo, oooXo, XoXoo, Xoooo, XoXoX, XXooX, XoooX},
        {XXXXX, ooXoo, oooXo, XXooo, Xoooo, XoXoX, XoXoX, XoooX},
        {XoooX, ooXoo, oooXo, XoXoo, Xoooo, XoooX, XooXX, XoooX},
        {XoooX, ooXoo, oooXo, XooXo, Xoooo, XoooX, XooXX, XoooX},
        {XoooX, ooXoo, XooXo, XoooX, Xoooo, XoooX, XoooX, XoooX},
        {XoooX, oXXXo, oXXoo, XoooX, XXXXX, XoooX, XoooX, oXXXo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
    },
    {   /* P Q R S T U V W */
        {XXXXo, oXXXo, XXXXo, oXXXo, XXXXX, XoooX, XoooX, XoooX},
        {XoooX, XoooX, XoooX, XoooX, ooXoo, XoooX, XoooX, XoooX},
        {XoooX, XoooX, XoooX, Xoooo, ooXoo, XoooX, XoooX, XoooX},
        {XoooX, XoooX, XoooX, Xoooo, ooXoo, XoooX, XoooX, XoooX},
        {XXXXo, XoooX, XXXXo, oXXXo, ooXoo, XoooX, XoooX, XoXoX},
        {Xoooo, XoooX, XoXoo, ooooX, ooXoo, XoooX, oXoXo, XoXoX},
        {Xoooo, XoXoX, XooXo, ooooX, ooXoo, XoooX, oXoXo, XoXoX},
        {Xoooo, XooXo, XoooX, XoooX, ooXoo, XoooX, ooXoo, XXoXX},
        {Xoooo, oXXoX, XoooX, oXXXo, ooXoo, oXXXo, ooXoo, oXoXo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
    },
    {   /* X Y Z [ \ ] ^ _ */
        {XoooX, XoooX, XXXXX, oXXXo, Xoooo, oXXXo, ooXoo, ooooo},
        {XoooX, XoooX, ooooX, oXooo, Xoooo, oooXo, oXoXo, ooooo},
        {oXoXo, oXoXo, oooXo, oXooo, oXooo, oooXo, XoooX, ooooo},
        {oXoXo, oXoXo, oooXo, oXooo, oXooo, oooXo, ooooo, ooooo},
        {ooXoo, ooXoo, ooXoo, oXooo, ooXoo, oooXo, ooooo, ooooo},
        {oXoXo, ooXoo, oXooo, oXooo, oooXo, oooXo, ooooo, ooooo},
        {oXoXo, ooXoo, oXooo, oXooo, oooXo, oooXo, ooooo, ooooo},
        {XoooX, ooXoo, Xoooo, oXooo, ooooX, oooXo, ooooo, ooooo},
        {XoooX, ooXoo, XXXXX, oXooo, ooooX, oooXo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, oXXXo, ooooo, oXXXo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, XXXXX},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
    },
    {   /* ` a b c d e f g */
        {oXooo, ooooo, Xoooo, ooooo, ooooX, ooooo, ooXXo, ooooo},
        {ooXoo, ooooo, Xoooo, ooooo, ooooX, ooooo, oXooX, ooooo},
        {oooXo, ooooo, Xoooo, ooooo, ooooX, ooooo, oXooo, ooooo},
        {ooooo, oXXXo, XoXXo, oXXXo, oXXoX, oXXXo, XXXXo, oXXoX},
        {ooooo, ooooX, XXooX, XoooX, XooXX, XoooX, oXooo, XooXX},
        {ooooo, oXXXX, XoooX, Xoooo, XoooX, XXXXX, oXooo, XoooX},
        {ooooo, XoooX, XoooX, Xoooo, XoooX, Xoooo, oXooo, XoooX},
        {ooooo, XooXX, XXooX, XoooX, XooXX, XoooX, oXooo, XooXX},
        {ooooo, oXXoX, XoXXo, oXXXo, oXXoX, oXXXo, oXooo, oXXoX},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooX},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, XoooX},
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, oXXXo},
    },
    {   /* h i j k l m n o */
        {Xoooo, ooooo, ooooo, Xoooo, oXXoo, ooooo, ooooo, ooooo},
        {Xoooo, ooXoo, oooXo, Xoooo, ooXoo, ooooo, ooooo, ooooo},
        {Xoooo, ooooo, ooooo, Xoooo, ooXoo, ooooo, ooooo, ooooo},
        {XoXXo, oXXoo, ooXXo, XooXo, ooXoo, XXoXo, XoXXo, oXXXo},
        {XXooX, ooXoo, oooXo, XoXoo, ooXoo, XoXoX, XXooX, XoooX},
        {XoooX, ooXoo, oooXo, XXooo, ooXoo, XoXoX, XoooX, XoooX},
        {XoooX, ooXoo, oooXo, XoXoo, ooXoo, XoXoX, XoooX, XoooX},
        {XoooX, ooXoo, oooXo, XooXo, ooXoo, XoXoX, XoooX, XoooX},
        {XoooX, oXXXo, oooXo, XoooX, oXXXo, XoXoX, XoooX, oXXXo},
        {ooooo, ooooo, oooXo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, XooXo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, oXXoo, ooooo, ooooo, ooooo, ooooo, ooooo},
    },
    {   /* p q r s t u v w */
        {ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, oXooo, ooooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooooo, oXooo, ooooo, ooooo, ooooo},
        {XoXXo, oXXoX, XoXXo, oXXXX, XXXXo, XoooX, XoooX, XoooX},
        {XXooX, XooXX, XXooX, Xoooo, oXooo, XoooX, XoooX, XoooX},
        {XoooX, XoooX, Xoooo, oXXXo, oXooo, XoooX, XoooX, XoXoX},
        {XoooX, XoooX, Xoooo, ooooX, oXooo, XoooX, oXoXo, XoXoX},
        {XXooX, XooXX, Xoooo, ooooX, oXooX, XooXX, oXoXo, XoXoX},
        {XoXXo, oXXoX, Xoooo, XXXXo, ooXXo, oXXoX, ooXoo, oXoXo},
        {Xoooo, ooooX, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {Xoooo, ooooX, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
        {Xoooo, ooooX, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
    },
    {   /* x y z { | } ~ */
        {ooooo, ooooo, ooooo, oooXo, ooXoo, oXooo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooXoo, ooXoo, ooXoo, ooooo, ooooo},
        {ooooo, ooooo, ooooo, ooXoo, ooXoo, ooXoo, ooooo, ooooo},
        {XoooX, XoooX, XXXXX, ooXoo, ooXoo, ooXoo, ooooo, ooooo},
        {oXoXo, XoooX, oooXo, oXooo, ooXoo, oooXo, oXooX, ooooo},
        {ooXoo, XoooX, ooXoo, ooXoo, ooXoo, ooXoo, XoXoX, ooooo},
        {ooXoo, XoooX, oXooo, ooXoo, ooXoo, ooXoo, XooXo, ooooo},
        {oXoXo, XooXX, Xoooo, ooXoo, ooXoo, ooXoo, ooooo, ooooo},
        {XoooX, oXXoX, XXXXX, ooXoo, ooXoo, ooXoo, ooooo, ooooo},
        {ooooo, ooooX, ooooo, oooXo, ooXoo, oXooo, ooooo, ooooo},
        {ooooo, XoooX, ooooo, ooooo, ooXoo, ooooo, ooooo, ooooo},
        {ooooo, oXXXo, ooooo, ooooo, ooooo, ooooo, ooooo, ooooo},
    },
};
/* clang-format on */

uint8_t font_row(char c, unsigned y)
{
    unsigned index = (unsigned)(c - FONT_FIRST);
    unsigned line = y - GLYPH_TOP;

    if (y < GLYPH_TOP || line >= GLYPH_HEIGHT)
        return 0;
    return (uint8_t)(strips[index / STRIP_GLYPHS][line][index % STRIP_GLYPHS]
                     << (FONT_WIDTH - GLYPH_WIDTH - GLYPH_LEFT));
}
