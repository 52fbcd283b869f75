#include "proto/endpoint.h"

#include <string.h>

static const struct {
  enum endpoint_kind kind;
  const char *begins;
} schemes[] = {{ENDPOINT_TCP, "tcp://"}, {ENDPOINT_RESUME, "resume://"}};

enum tg_err endpoint_read(struct slice s, struct endpoint *ret)
{
  struct endpoint e = {.kind = ENDPOINT_TCP};
  size_t begins = 0, host_n;
  for (size_t i = 0; !begins && i < sizeof schemes / sizeof *schemes; i++)
    if (s.n > strlen(schemes[i].begins) && memcmp(s.p, schemes[i].begins, strlen(schemes[i].begins)) == 0) {
      e.kind = schemes[i].kind;
      begins = strlen(schemes[i].begins);
    }
  const uint8_t *host = s.p + begins, *colon = begins ? memrchr(host, ':', s.n - begins) : NULL;
  uint64_t port;
  if (!colon || number_parse(slice_of(colon + 1, s.n - 1 - (size_t)(colon - s.p)), UINT16_MAX, &port) != TG_OK)
    return TG_BAD_INPUT;
  host_n = (size_t)(colon - host);
  if (host_n > 2 && host[0] == '[' && colon[-1] == ']') {
    host++;
    host_n -= 2;
  }
  if (host_n == 0 || host_n > ENDPOINT_HOST || memchr(host, 0, host_n))
    return TG_BAD_INPUT;
  memcpy(e.host, host, host_n);
  e.port = (uint16_t)port;
  *ret = e;
  return TG_OK;
}

bool endpoint_resumes(const char *endpoint)
{
  struct endpoint e;
  return endpoint_read(slice_str(endpoint), &e) == TG_OK && e.kind == ENDPOINT_RESUME;
}
