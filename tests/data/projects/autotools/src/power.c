#include "power.h"

#include <math.h>

double power(double base, double exponent) { return pow(base, exponent); }
