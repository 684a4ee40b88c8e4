/* Registry documents as protobuf-c messages, for Apply, which carries them whole. Only for
 * common/wire. Messages made live in the arena and borrow the value's strings. */
#ifndef TONGHOP_WIRE_REGISTRY_WIRE_H
#define TONGHOP_WIRE_REGISTRY_WIRE_H

#include "common/wire/proto.h"
#include "common/wire/wire.h"
#include "registry.pb-c.h"

Tonghop__V1__Catalogue *registry_make_catalogue(const struct catalogue_spec *c,
                                                struct arena *arena);
Tonghop__V1__Plan *registry_make_plan(const struct plan *p, struct arena *arena);
Tonghop__V1__ProducerChange *registry_make_change(const struct producer_change *change,
                                                  struct arena *arena);

void registry_take_catalogue(struct proto_check *c, const Tonghop__V1__Catalogue *m,
                             struct arena *arena, struct catalogue_spec *out);
void registry_take_plan(struct proto_check *c, const Tonghop__V1__Plan *m, struct arena *arena,
                        struct plan *out);
void registry_take_change(struct proto_check *c, const Tonghop__V1__ProducerChange *m,
                          struct producer_change *out);

#endif
