/* Strings numbered in the order in which they were first added: 0, 1, 2 … A number never changes.
 */
#ifndef TONGHOP_BASE_DICT_H
#define TONGHOP_BASE_DICT_H

#include "common/base/slice.h"

struct dict;
enum { DICT_NONE = UINT32_MAX };

struct dict *dict_create(void);
void dict_destroy(struct dict *d); /* accepts NULL */
struct dict *dict_copy(const struct dict *d);
uint32_t dict_add(struct dict *d, struct slice text);         /* the number, new or old; copied */
uint32_t dict_find(const struct dict *d, struct slice text);  /* DICT_NONE when absent */
const char *dict_text(const struct dict *d, uint32_t number); /* terminated; lives as long as d */
uint32_t dict_count(const struct dict *d);

#endif
