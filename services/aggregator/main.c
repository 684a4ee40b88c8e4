#include "services/aggregator/aggregator_service.h"

int main(int argc, char **argv)
{
    return service_main(argc, argv, &aggregator_definition);
}
