/* What libmodbus says of replies: reads lines "REQUEST REPLY" in hexadecimal, with CRC, and writes one letter for each:
 * a, the answer; e, an exception; n, neither. The reply lies ready before the request is sent, and its end is the end of
 * the connection, so that nothing waits. */
#include <errno.h>
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int read_hex(const char *text, uint8_t *bytes, int room) {
  int count = 0;
  unsigned value;
  while (count < room && sscanf(text + 2 * count, "%2x", &value) == 1) bytes[count++] = (uint8_t)value;
  return count;
}

static int ask(modbus_t *context, const uint8_t *request) {
  static uint8_t bits[2048];
  static uint16_t registers[256];
  int address = request[2] << 8 | request[3], count = request[4] << 8 | request[5];
  switch (request[1]) {
    case 1: return modbus_read_bits(context, address, count, bits);
    case 2: return modbus_read_input_bits(context, address, count, bits);
    case 3: return modbus_read_registers(context, address, count, registers);
    case 4: return modbus_read_input_registers(context, address, count, registers);
    case 5: return modbus_write_bit(context, address, count != 0);
    default: return modbus_write_register(context, address, (uint16_t)count);
  }
}

int main(void) {
  static char line[4096];
  while (fgets(line, sizeof line, stdin)) {
    uint8_t request[16], reply[1024], sent[300];
    char *second = strchr(line, ' ');
    int ends[2];
    if (!second || socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return 1;
    *second++ = 0;
    int asked = read_hex(line, request, sizeof request);
    int count = read_hex(second, reply, sizeof reply);
    if (write(ends[1], reply, (size_t)count) != count || shutdown(ends[1], SHUT_WR)) return 1;
    modbus_t *context = modbus_new_rtu("/dev/null", 9600, 'N', 8, 1);
    modbus_set_error_recovery(context, MODBUS_ERROR_RECOVERY_NONE);
    modbus_set_socket(context, ends[0]);
    modbus_set_slave(context, request[0]);
    modbus_set_byte_timeout(context, 0, 0);
    int answered = ask(context, request);
    int error = errno;
    int is_exception = (error >= MODBUS_ENOBASE && error <= EMBXGTAR) || error == EMBBADEXC;
    putchar(answered >= 0 ? 'a' : is_exception ? 'e' : 'n');
    /* It asked for what it was told to ask for. */
    if (recv(ends[1], sent, sizeof sent, MSG_DONTWAIT) != asked || memcmp(sent, request, (size_t)asked)) return 2;
    modbus_free(context);
    close(ends[0]);
    close(ends[1]);
  }
  return 0;
}
