int middle_double(int a);
