#ifdef __cplusplus
extern "C" {
#endif
double power(double base, double exponent);
#ifdef __cplusplus
}
#endif
