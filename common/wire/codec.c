#include "common/model/codec.h"

#include "common/wire/wire.h"

const struct codec wire_codec = {
    .unpack_batch = wire_unpack_batch,
    .unpack_catalogue = wire_unpack_catalogue,
    .unpack_plan = wire_unpack_plan,
    .unpack_producer_change = wire_unpack_producer_change,
};
