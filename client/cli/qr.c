#include "client/cli/qr.h"

#include "client/cli/box.h"

#ifndef TOGUNA_QR

static enum tg_err not_built(struct tg_why *why)
{
  return why_set(why, TG_UNKNOWN, "--qr", N_("this toguna was built without QR codes"),
                 N_("Build it where libqrencode, libzbar, libpng and libjpeg are installed"), NULL, NULL, NULL);
}

enum tg_err qr_write(const char *path, struct slice bytes, bool replace, struct tg_why *why)
{
  (void)path;
  (void)bytes;
  (void)replace;
  return not_built(why);
}

enum tg_err qr_show(struct slice bytes, struct tg_why *why)
{
  (void)bytes;
  return not_built(why);
}

bool qr_is_photo(struct slice beginning)
{
  (void)beginning;
  return false;
}

enum tg_err qr_read(struct slice photo, struct buf *ret, struct tg_why *why)
{
  (void)photo;
  (void)ret;
  return not_built(why);
}

#else

#include "os/file.h"
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <qrencode.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zbar.h>

#include <jpeglib.h> /* after stdio.h, which it needs and does not name */

enum {
  MODULE = 8, /* pixels of a module */
  QUIET = 4,  /* modules of white around */
  SIDE_MAX = 12000,
  PIXELS_MAX = 64 << 20,
  SECONDS = 30,
};
#define MEMORY_MAX ((rlim_t)1 << 30)

/* ---- writing ---- */

/* The strongest correction that such bytes leave room for. */
static enum tg_err encode(struct slice bytes, QRcode **ret, struct tg_why *why)
{
  static const QRecLevel levels[] = {QR_ECLEVEL_Q, QR_ECLEVEL_M, QR_ECLEVEL_L};
  QRcode *code = NULL;
  if (bytes.n <= QR_BYTES_MAX)
    for (size_t i = 0; !code && i < sizeof levels / sizeof *levels; i++)
      code = QRcode_encodeData((int)bytes.n, bytes.p, 0, levels[i]);
  if (!code) {
    char n[24];
    snprintf(n, sizeof n, "%zu", bytes.n);
    return why_set(why, TG_TOO_BIG, "--qr", N_("the bundle has %1$s bytes, and the largest QR code holds 2953"),
                   N_("Shorten the bulletin to 1 kB, name one node, or export it to a file"), n, NULL, NULL);
  }
  *ret = code;
  return TG_OK;
}

static bool is_dark(const QRcode *code, int x, int y)
{
  return x >= 0 && y >= 0 && x < code->width && y < code->width && (code->data[y * code->width + x] & 1);
}

enum tg_err qr_write(const char *path, struct slice bytes, bool replace, struct tg_why *why)
{
  QRcode *code;
  enum tg_err err = encode(bytes, &code, why);
  if (err != TG_OK)
    return err;
  const int side = (code->width + 2 * QUIET) * MODULE;
  png_image image = {.version = PNG_IMAGE_VERSION, .width = (png_uint_32)side, .height = (png_uint_32)side, .format = PNG_FORMAT_GRAY};
  uint8_t *pixels = malloc((size_t)side * (size_t)side);
  png_alloc_size_t size = pixels ? PNG_IMAGE_PNG_SIZE_MAX(image) : 0;
  uint8_t *file = pixels ? malloc(size) : NULL;
  for (int y = 0; file && y < side; y++)
    for (int x = 0; x < side; x++)
      pixels[y * side + x] = is_dark(code, x / MODULE - QUIET, y / MODULE - QUIET) ? 0 : 255;
  if (!file)
    err = TG_NO_MEMORY;
  else if (!png_image_write_to_memory(&image, file, &size, 0, pixels, 0, NULL))
    err = TG_INTERNAL;
  else
    err = box_put(path, slice_of(file, size), FILE_ANYWHERE, replace, why);
  free(file);
  free(pixels);
  QRcode_free(code);
  return err;
}

enum tg_err qr_show(struct slice bytes, struct tg_why *why)
{
  QRcode *code;
  enum tg_err err = encode(bytes, &code, why);
  if (err != TG_OK)
    return err;
  /* Light is drawn, dark is left, as most terminals are dark; black on white is said in colours all the same. */
  for (int y = -QUIET; y < code->width + QUIET; y += 2) {
    fputs("\033[30;107m", stdout);
    for (int x = -QUIET; x < code->width + QUIET; x++) {
      const bool upper = is_dark(code, x, y), lower = is_dark(code, x, y + 1);
      fputs(upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ", stdout);
    }
    fputs("\033[0m\n", stdout);
  }
  QRcode_free(code);
  return TG_OK;
}

/* ---- the picture, in the process that may do nothing else ---- */

struct picture {
  unsigned width, height;
  uint8_t *gray;
};

static bool fits(uint64_t width, uint64_t height)
{
  return width && height && width <= SIDE_MAX && height <= SIDE_MAX && width * height <= PIXELS_MAX;
}

static bool read_png(struct slice photo, struct picture *ret)
{
  png_image image = {.version = PNG_IMAGE_VERSION};
  if (!png_image_begin_read_from_memory(&image, photo.p, photo.n))
    return false;
  image.format = PNG_FORMAT_GRAY;
  const png_color white = {255, 255, 255};
  *ret = (struct picture){.width = image.width, .height = image.height};
  ret->gray = fits(image.width, image.height) ? malloc(PNG_IMAGE_SIZE(image)) : NULL;
  if (ret->gray && png_image_finish_read(&image, &white, ret->gray, 0, NULL))
    return true;
  png_image_free(&image);
  return false;
}

/* Its own answer to an error is to end the process, which here is right. */
static bool read_jpeg(struct slice photo, struct picture *ret)
{
  struct jpeg_error_mgr errors;
  struct jpeg_decompress_struct jpeg = {.err = jpeg_std_error(&errors)};
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, photo.p, photo.n);
  jpeg_read_header(&jpeg, TRUE);
  jpeg.out_color_space = JCS_GRAYSCALE;
  if (!fits(jpeg.image_width, jpeg.image_height) || !jpeg_start_decompress(&jpeg) || jpeg.output_components != 1)
    return false;
  *ret = (struct picture){.width = jpeg.output_width, .height = jpeg.output_height};
  ret->gray = malloc((size_t)ret->width * ret->height);
  while (ret->gray && jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = ret->gray + (size_t)jpeg.output_scanline * ret->width;
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  return ret->gray != NULL;
}

/* The code's bytes go to fd. */
static bool scan(const struct picture *p, int fd)
{
  zbar_image_scanner_t *scanner = zbar_image_scanner_create();
  zbar_image_t *image = zbar_image_create();
  if (!scanner || !image)
    return false;
  zbar_image_scanner_set_config(scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0);
  zbar_image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
  zbar_image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_BINARY, 1);
  zbar_image_set_format(image, zbar_fourcc('Y', '8', '0', '0'));
  zbar_image_set_size(image, p->width, p->height);
  zbar_image_set_data(image, p->gray, (unsigned long)p->width * p->height, NULL);
  if (zbar_scan_image(scanner, image) != 1)
    return false;
  const zbar_symbol_t *symbol = zbar_image_first_symbol(image);
  const unsigned n = zbar_symbol_get_data_length(symbol);
  return n <= QR_BYTES_MAX && file_put_fd(fd, slice_of(zbar_symbol_get_data(symbol), n), NULL) == TG_OK;
}

static _Noreturn void look(struct slice photo, int fd)
{
  const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX}, seconds = {SECONDS, SECONDS}, none = {0, 0};
  struct picture picture = {0};
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  (void)(null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0);
#ifndef TOGUNA_SANITIZED
  if (setrlimit(RLIMIT_AS, &memory) != 0)
    _exit(2);
#else
  (void)memory;
#endif
  if (setrlimit(RLIMIT_CPU, &seconds) != 0 || setrlimit(RLIMIT_FSIZE, &none) != 0 ||
      sandbox_enter(&(struct sandbox){.profile = SANDBOX_SIGNER}, NULL) != TG_OK)
    _exit(2);
  const bool is_png = photo.p[0] == 0x89;
  _exit((is_png ? read_png(photo, &picture) : read_jpeg(photo, &picture)) && scan(&picture, fd) ? 0 : 1);
}

/* ---- reading ---- */

bool qr_is_photo(struct slice s)
{
  static const uint8_t png[] = {0x89, 'P', 'N', 'G'}, jpeg[] = {0xff, 0xd8, 0xff};
  return s.n >= 4 && (memcmp(s.p, png, sizeof png) == 0 || memcmp(s.p, jpeg, sizeof jpeg) == 0);
}

static void gather(int fd, struct buf *ret)
{
  uint8_t piece[1024];
  ssize_t n;
  while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0)
      buf_put(ret, piece, (size_t)n);
}

enum tg_err qr_read(struct slice photo, struct buf *ret, struct tg_why *why)
{
  int ends[2], status = 0;
  if (!qr_is_photo(photo) || pipe2(ends, O_CLOEXEC) != 0)
    return why_set(why, TG_BAD_INPUT, "photo", N_("this is neither a PNG nor a JPEG"), NULL, NULL, NULL, NULL);
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    look(photo, ends[1]);
  }
  close(ends[1]);
  if (child > 0)
    gather(ends[0], ret);
  close(ends[0]);
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && ret->n && buf_status(ret) == TG_OK)
    return TG_OK;
  if (child < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 2))
    return why_set(why, TG_INTERNAL, "photo", N_("the picture cannot be looked at safely on this machine"), NULL, NULL, NULL, NULL);
  return why_set(why, TG_BAD_INPUT, "photo", N_("no QR code can be read in this picture, or more than one"),
                 N_("Take it again: the whole code with its white border, straight from the front, in good light"), NULL, NULL, NULL);
}

#endif
