#include <stdio.h>

int main(void)
{
    puts(CDCD_VERSION);
    return 0;
}
