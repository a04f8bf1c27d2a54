/* The two 8259 interrupt controllers of a PC, which we do not use. */
#ifndef VENEER_PARENT_PIC_H
#define VENEER_PARENT_PIC_H

/* Masks all their inputs, and moves their vectors away from the exceptions, for the case that one
 * still speaks. Boot. */
void pic_mask(void);

#endif
