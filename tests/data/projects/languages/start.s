# Assembler source without a preprocessor: one word of data.
	.data
	.globl answer
	.balign 4
answer:
	.long 42
	.section .note.GNU-stack,"",%progbits
