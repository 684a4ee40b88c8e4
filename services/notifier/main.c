#include "services/notifier/notifier_service.h"

int main(int argc, char **argv)
{
    return service_main(argc, argv, &notifier_definition);
}
