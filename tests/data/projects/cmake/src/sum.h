#ifdef __cplusplus
extern "C" {
#endif
int sum(const int *numbers, int count);
#ifdef __cplusplus
}
#endif
