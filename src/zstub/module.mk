obj-y += stub.o
