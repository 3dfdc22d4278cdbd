/* Assembler source with a preprocessor: a function for either target. */
#include <linux/errno.h>
	.text
	.globl give
	.type give, %function
give:
#if defined(__x86_64__)
	movl $ENOENT, %eax
	ret
#elif defined(__aarch64__)
	mov w0, #ENOENT
	ret
#endif
	.size give, . - give
	.section .note.GNU-stack,"",%progbits
