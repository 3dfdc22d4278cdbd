int library_add(int a, int b);
