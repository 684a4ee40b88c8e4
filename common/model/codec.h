/* How stored bodies become values. The cores judge and sum values; the bytes are common/wire's. It
 * fills this table, so that no core includes protobuf. Each returns 0 or a negative err_code;
 * results live in the arena. */
#ifndef TONGHOP_MODEL_CODEC_H
#define TONGHOP_MODEL_CODEC_H

#include "common/base/arena.h"
#include "common/model/catalogue.h"
#include "common/model/observation.h"
#include "common/model/plan.h"
#include "common/model/producer.h"

struct codec {
    int (*unpack_batch)(struct slice s, struct arena *arena, struct batch *out, struct err *err);
    int (*unpack_catalogue)(struct slice s, struct arena *arena, struct catalogue_spec *out,
                            struct err *err);
    int (*unpack_plan)(struct slice s, struct arena *arena, struct plan *out, struct err *err);
    int (*unpack_producer_change)(struct slice s, struct arena *arena, struct producer_change *out,
                                  struct err *err);
};

#endif
