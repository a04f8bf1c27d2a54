/* Input status register 1: where the beam is, worked out from the time and the CRTC's registers. */
#include "worker/devices/clock.h"
#include "worker/devices/vga_registers.h"

#define STATUS_DISPLAY_DISABLED 0x01
#define STATUS_VERTICAL_RETRACE 0x08

#define DOT_CLOCK_25_HZ 25175000
#define DOT_CLOCK_28_HZ 28322000

/* A frame, in lines and dots. All of it comes from the guest, which may set nonsense: no value that
 * is divided by can be 0. */
struct frame {
    uint32_t hz;
    uint32_t line_dots, shown_dots;
    uint32_t lines, shown_lines;
    uint32_t retrace_first, retrace_lines;
};

static struct frame frame_of(const struct vga_state *state)
{
    const uint8_t *crtc = state->crtc;
    uint32_t dots = state->sequencer[SEQ_CLOCKING] & SEQ_CLOCKING_8_DOTS ? 8 : 9;
    struct frame frame = {
        .hz = (state->misc & MISC_CLOCK) == MISC_CLOCK_28 ? DOT_CLOCK_28_HZ : DOT_CLOCK_25_HZ,
        .line_dots = (crtc[CRTC_HORIZONTAL_TOTAL] + 5u) * dots,
        .shown_dots = (crtc[CRTC_HORIZONTAL_DISPLAY_END] + 1u) * dots,
        .lines = vga_vertical(crtc, CRTC_VERTICAL_TOTAL, 0) + 2,
        .shown_lines = vga_vertical(crtc, CRTC_VERTICAL_DISPLAY_END, 1) + 1,
        .retrace_first = vga_vertical(crtc, CRTC_RETRACE_START, 2),
    };

    if (state->sequencer[SEQ_CLOCKING] & SEQ_CLOCKING_HALF)
        frame.hz /= 2;
    if (frame.retrace_first >= frame.lines)
        frame.retrace_first = frame.lines - 1;
    /* The end is the lowest 4 bits of the line at which it is over. */
    frame.retrace_lines = (crtc[CRTC_RETRACE_END] - frame.retrace_first) & 15;
    if (frame.retrace_lines == 0)
        frame.retrace_lines = 16;
    return frame;
}

/* The retrace is short, and a guest that polls may be slower than that: a retrace that it missed is
 * told at the next read, unless that would be two in a row. So a loop that waits for its beginning
 * ends, and so does one that waits for its end. */
static bool vertical_retrace(struct vga_state *state, const struct frame *frame, uint64_t ticks)
{
    uint32_t frame_dots = frame->lines * frame->line_dots;
    uint64_t since = ticks % frame_dots / frame->line_dots;
    uint64_t retraces = (ticks + frame_dots - frame->retrace_first * frame->line_dots) / frame_dots;
    bool missed = retraces != state->retraces && !state->retrace_read;
    bool now = since >= frame->retrace_first && since - frame->retrace_first < frame->retrace_lines;

    state->retraces = retraces;
    state->retrace_read = now || missed;
    return state->retrace_read;
}

uint8_t vga_input_status_1(struct vga *vga)
{
    struct frame frame = frame_of(&vga->state);
    uint64_t ticks = clock_ticks(vga->host->now(vga->host->machine), frame.hz);
    uint64_t line = ticks / frame.line_dots % frame.lines;

    if (vertical_retrace(&vga->state, &frame, ticks))
        return STATUS_VERTICAL_RETRACE | STATUS_DISPLAY_DISABLED;
    if (line >= frame.shown_lines || ticks % frame.line_dots >= frame.shown_dots)
        return STATUS_DISPLAY_DISABLED;
    return 0;
}
