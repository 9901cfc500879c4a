/* What libmodbus says of replies, RTU or TCP: reads lines "REQUEST REPLY" in hexadecimal, with CRC or with header, and
 * writes one letter for each: a, the answer; e, an exception; n, neither. The reply lies ready before the request is
 * sent, and its end is the end of the connection, so that nothing waits. Over TCP requests are numbered from 1. */
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

/* Asks for what the five bytes of a PDU ask for. */
static int ask(modbus_t *context, const uint8_t *pdu) {
  static uint8_t bits[2048];
  static uint16_t registers[256];
  int address = pdu[1] << 8 | pdu[2], count = pdu[3] << 8 | pdu[4];
  switch (pdu[0]) {
    case 1: return modbus_read_bits(context, address, count, bits);
    case 2: return modbus_read_input_bits(context, address, count, bits);
    case 3: return modbus_read_registers(context, address, count, registers);
    case 4: return modbus_read_input_registers(context, address, count, registers);
    case 5: return modbus_write_bit(context, address, count != 0);
    default: return modbus_write_register(context, address, (uint16_t)count);
  }
}

int main(int count_of_words, char **words) {
  static char line[4096];
  int is_tcp = count_of_words == 2 && !strcmp(words[1], "tcp");
  int unit_at = is_tcp ? 6 : 0;
  modbus_t *context = is_tcp ? modbus_new_tcp("127.0.0.1", 502) : modbus_new_rtu("/dev/null", 9600, 'N', 8, 1);
  modbus_set_error_recovery(context, MODBUS_ERROR_RECOVERY_NONE);
  modbus_set_byte_timeout(context, 0, 0);
  while (fgets(line, sizeof line, stdin)) {
    uint8_t request[16], reply[1024], sent[300];
    char *second = strchr(line, ' ');
    int ends[2];
    if (!second || socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return 1;
    *second++ = 0;
    int asked = read_hex(line, request, sizeof request);
    int count = read_hex(second, reply, sizeof reply);
    if (write(ends[1], reply, (size_t)count) != count || shutdown(ends[1], SHUT_WR)) return 1;
    modbus_set_socket(context, ends[0]);
    if (modbus_set_slave(context, request[unit_at])) return 1;
    int answered = ask(context, request + unit_at + 1);
    int error = errno;
    int is_exception = (error >= MODBUS_ENOBASE && error <= EMBXGTAR) || error == EMBBADEXC;
    putchar(answered >= 0 ? 'a' : is_exception ? 'e' : 'n');
    /* It asked for what it was told to ask for. */
    if (recv(ends[1], sent, sizeof sent, MSG_DONTWAIT) != asked || memcmp(sent, request, (size_t)asked)) return 2;
    close(ends[0]);
    close(ends[1]);
  }
  modbus_free(context);
  return 0;
}
