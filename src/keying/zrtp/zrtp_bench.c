/* What one agreement costs: both sides run here, so a server's share is half of the CPU time that is
 * printed per exchange, and the time that a call waits is that of both sides. */
#include "keying/zrtp/machine.h"
#include "keying/zrtp/rig.h"

static double cpu_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static struct rig rig;

static void once(const char *name, unsigned agreement, int rounds)
{
    double start = cpu_ms();

    for (int i = 0; i < rounds; i++) {
        rig_init(&rig);
        rig.delay = 0;
        for (int k = 0; k < 2; k++)
            rig.side[k].cfg.lists.of[ZRTP_KEY_AGREEMENT] =
                (struct zrtp_list){.n = 1, .v = {(uint8_t)agreement}};
        rig.side[1].cfg.is_passive = true;
        rig_start(&rig);
        rig_run(&rig, 10);
        if (!rig.side[0].secure || !rig.side[1].secure)
            abort();
        rig_fini(&rig);
    }
    double each = (cpu_ms() - start) / rounds;
    printf("%s: %.2f ms of CPU an exchange, %.2f ms a side, %d packets\n", name, each, each / 2,
           rig.side[0].sent + rig.side[1].sent);
}

int main(void)
{
    once("X255", ZRTP_X255, 300);
    once("EC25", ZRTP_EC25, 300);
    once("EC38", ZRTP_EC38, 100);
    once("DH2k", ZRTP_DH2K, 100);
    once("DH3k", ZRTP_DH3K, 100);
    return 0;
}
