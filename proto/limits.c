#include "proto/limits.h"

#include "proto/bulletin.pb-c.h"
#include "proto/bundle.pb-c.h"
#include "proto/log.pb-c.h"
#include "proto/session.pb-c.h"

#define FIELDS(table) .field_count = sizeof table / sizeof *table, .fields = table

/* Column flags. */
enum {
  R = STRICT_REQUIRED,
  T = STRICT_TEXT,
  S = STRICT_STEPS,
};

enum {
  MAX_INDEX = LIMIT_PORTIONS - 1,
  MAX_SEALED = LIMIT_MESSAGE,     /* an inline body: the frame is its limit */
  MAX_CHUNK = 65553,              /* BODY_SEALED of body.h */
  MAX_LOG_STEPS = 64 * 32,        /* any proof in the log */
  MAX_PORTION_STEPS = 4 * 32,     /* 16 leaves */
  MAX_AUDIENCE_STEPS = 10 * 32,   /* 1024 leaves */
  MAX_BATCH_STEPS = 16 * 32,      /* 65536 leaves */
  MAX_WRAP_SEALED = 57 + 33 * LIMIT_PORTIONS,
  MAX_MASK = (1 << LIMIT_PORTIONS) - 1,
  MAX_MEMBERS = 256,
  MAX_ITEMS = 1024,   /* of most frames */
  MAX_RECEIPTS = 4096,
  MAX_WANTS = 8,
  MAX_DETAIL = 256,
};
/* Any number that counts something. Stores hold 63 bits, and what comes after the largest must still be a number of theirs. */
#define ANY (UINT64_C(1) << 62)
#define MAX_BODY (UINT64_C(1) << 40) /* BODY_MAX of body.h */

/* ---- bulletin.proto ----     flags   min   max   count   message */

static const struct strict_field subject_fields[] = {
    {1, R, 1, 0xffff, 0, NULL},                        /* suite */
    {2, R, 32, 32, 0, NULL},                           /* exchange */
    {3, R, 32, 32, 0, NULL},                           /* originator */
    {4, R, 1, LIMIT_TIME, 0, NULL},                    /* created */
    {5, R, 1, LIMIT_TIME, 0, NULL},                    /* expires */
    {6, R, 1, 4, 0, NULL},                             /* precedence */
    {7, R, 1, 8, 0, NULL},                             /* kind */
    {8, 0, 1, 1, 0, NULL},                             /* flags */
    {9, R | T, 1, LIMIT_TOPIC, LIMIT_TOPICS, NULL},    /* topics */
    {10, 0, 32, 32, LIMIT_SOURCES, NULL},              /* sources */
    {11, 0, 32, 32, 0, NULL},                          /* supersedes */
    {12, 0, 32, 32, 0, NULL},                          /* replies_to */
    {13, R, 32, 32, 0, NULL},                          /* portion_root */
    {14, R, 1, LIMIT_PORTIONS, 0, NULL},               /* portion_count */
};
const struct strict_limits limits_subject = {&tg__subject__descriptor, LIMIT_SUBJECT, FIELDS(subject_fields)};

static const struct strict_field approval_fields[] = {
    {1, R, 32, 32, 0, NULL},        /* officer */
    {2, R, 1, LIMIT_TIME, 0, NULL}, /* time */
    {3, R, 64, 64, 0, NULL},        /* signature */
};
const struct strict_limits limits_approval = {&tg__approval__descriptor, 128, FIELDS(approval_fields)};

static const struct strict_field header_fields[] = {
    {1, R, 100, LIMIT_SUBJECT, 0, NULL},                /* subject */
    {2, 0, 0, 0, LIMIT_APPROVALS, &limits_approval},    /* approvals */
    {3, R, 1, ANY, 0, NULL},                            /* charter_version */
    {4, R, 1, ANY, 0, NULL},                            /* policy_serial */
    {5, R, 32, 32, 0, NULL},                            /* policy_hash */
    {6, R, 1, ANY, 0, NULL},                            /* number */
    {7, R, 32, 32, 0, NULL},                            /* audience_root */
    {8, R, 1, LIMIT_WRAPS, 0, NULL},                    /* audience_count */
    {9, 0, 1, LIMIT_BARE_CHECKPOINT, 0, NULL},          /* checkpoint */
};
const struct strict_limits limits_header = {&tg__header__descriptor, LIMIT_HEADER, FIELDS(header_fields)};

static const struct strict_field portion_fields[] = {
    {1, R, 16, 16, 0, NULL},                 /* salt */
    {2, 0, 1, MAX_INDEX, 0, NULL},           /* index */
    {3, R, 1, 5, 0, NULL},                   /* level */
    {4, R, 1, 5, 0, NULL},                   /* tlp */
    {5, 0, 1, 3, 0, NULL},                   /* caveats */
    {6, T, 1, LIMIT_LABEL, 0, NULL},         /* label */
    {7, R, 32, 32, 0, NULL},                 /* release_hash */
    {8, R, 32, 32, 0, NULL},                 /* key_commitment */
    {9, R, 24, 24, 0, NULL},                 /* stream_header */
    {10, R, 32, 32, 0, NULL},                /* body_root */
    {11, R, 273, MAX_BODY / 65536 * 65553, 0, NULL}, /* body_size: .. BODY_SEALED_MAX */
};
const struct strict_limits limits_portion = {&tg__portion__descriptor, LIMIT_PORTION, FIELDS(portion_fields)};

static const struct strict_field release_fields[] = {
    {1, R, 16, 16, 0, NULL},                          /* salt */
    {2, R | T, 1, LIMIT_NAME, LIMIT_NAMES, NULL},     /* to */
    {3, T, 1, LIMIT_NAME, LIMIT_NAMES, NULL},         /* except */
};
const struct strict_limits limits_release = {&tg__release__descriptor, LIMIT_RELEASE, FIELDS(release_fields)};

static const struct strict_field wrap_fields[] = {
    {1, R, 16, 16, 0, NULL},                /* salt */
    {2, R, 32, 32, 0, NULL},                /* recipient */
    {3, R, 8, 8, 0, NULL},                  /* key_id */
    {4, R, 1, MAX_MASK, 0, NULL},           /* portions */
    {5, R, 32, 32, 0, NULL},                /* enc */
    {6, 0, 1, 4095, 0, NULL},               /* seq: below WRAP_USES */
    {7, R, 90, MAX_WRAP_SEALED, 0, NULL},   /* sealed */
    {8, 0, 1, 1, 0, NULL},                  /* fallback */
};
const struct strict_limits limits_wrap = {&tg__wrap__descriptor, LIMIT_WRAP, FIELDS(wrap_fields)};

static const struct strict_field batch_proof_fields[] = {
    {1, R, 1, LIMIT_BATCH, 0, NULL},         /* size */
    {2, 0, 1, LIMIT_BATCH - 1, 0, NULL},     /* index */
    {3, S, 32, MAX_BATCH_STEPS, 0, NULL},    /* path */
    {4, R, 64, 64, 0, NULL},                 /* signature */
};
const struct strict_limits limits_batch_proof = {&tg__batch_proof__descriptor, 1024, FIELDS(batch_proof_fields)};

static const struct strict_field body_head_fields[] = {
    {1, R | T, 3, 127, 0, NULL}, /* content_type */
    {2, T, 1, 512, 0, NULL},     /* title */
    {3, T, 1, 255, 0, NULL},     /* filename */
    {4, T, 1, 35, 0, NULL},      /* language */
    {5, 0, 1, MAX_BODY, 0, NULL},/* size */
    {6, 0, 1, 1, 0, NULL},       /* compression */
};
const struct strict_limits limits_body_head = {&tg__body_head__descriptor, LIMIT_BODY_HEAD,
                                               FIELDS(body_head_fields)};

static const struct strict_field receipt_fields[] = {
    {1, R, 32, 32, 0, NULL},        /* bulletin */
    {2, R, 32, 32, 0, NULL},        /* node */
    {3, R, 1, 8, 0, NULL},          /* event */
    {4, R, 1, LIMIT_TIME, 0, NULL}, /* time */
    {5, 0, 1, ANY, 0, NULL},        /* number */
    {6, 0, 32, 32, 0, NULL},        /* checkpoint_root */
    {7, 0, 1, ANY, 0, NULL},        /* checkpoint_size */
};
const struct strict_limits limits_receipt = {&tg__receipt__descriptor, LIMIT_RECEIPT, FIELDS(receipt_fields)};

static const struct strict_field sealing_key_fields[] = {
    {1, R, 1, 0xffff, 0, NULL},     /* suite */
    {2, R, 1, LIMIT_TIME, 0, NULL}, /* from */
    {3, R, 1, LIMIT_TIME, 0, NULL}, /* until */
    {4, R, 32, 2048, 0, NULL},      /* key: 32 in suites 1 and 2; longer ones are of suites to come */
};
const struct strict_limits limits_sealing_key = {&tg__sealing_key__descriptor, 2100, FIELDS(sealing_key_fields)};

static const struct strict_field sealing_keys_fields[] = {
    {1, R, 32, 32, 0, NULL},                  /* exchange */
    {2, R, 32, 32, 0, NULL},                  /* node */
    {3, R, 1, ANY, 0, NULL},                  /* serial */
    {4, R, 0, 0, 128, &limits_sealing_key},   /* keys */
};
const struct strict_limits limits_sealing_keys = {&tg__sealing_keys__descriptor, LIMIT_SEALING_KEYS,
                                                  FIELDS(sealing_keys_fields)};

/* ---- log.proto ---- */

static const struct strict_field entry_fields[] = {
    {1, R, 1, 14, 0, NULL},          /* type */
    {2, R, 1, LIMIT_TIME, 0, NULL},  /* time */
    {3, 0, 32, 32, 0, NULL},         /* subject */
    {4, 0, 32, 32, 0, NULL},         /* actor */
    {5, T, 2, 2, 0, NULL},           /* member */
    {6, 0, 1, ANY, 0, NULL},         /* number */
    {7, 0, 1, ANY, 0, NULL},         /* charter_version */
    {8, 0, 32, 32, 0, NULL},         /* policy_set */
    {9, 0, 32, 32, 0, NULL},         /* decision */
    {10, 0, 1, 0xffff, 0, NULL},     /* reason */
    {11, T, 1, MAX_DETAIL, 0, NULL}, /* detail */
};
const struct strict_limits limits_entry = {&tg__entry__descriptor, LIMIT_ENTRY, FIELDS(entry_fields)};

static const struct strict_field denial_fields[] = {
    {1, R | T, 2, 2, 0, NULL},      /* member */
    {2, R, 1, 7, 0, NULL},          /* stage */
    {3, 0, 32, 32, 0, NULL},        /* policy */
    {4, 0, 1, 1000000, 0, NULL},    /* line */
};
const struct strict_limits limits_denial = {&tg__denial__descriptor, 64, FIELDS(denial_fields)};

static const struct strict_field portion_decision_fields[] = {
    {1, 0, 1, MAX_INDEX, 0, NULL},              /* index */
    {2, T, 2, 2, MAX_MEMBERS, NULL},            /* permitted */
    {3, 0, 0, 0, MAX_MEMBERS, &limits_denial},  /* denied */
};
const struct strict_limits limits_portion_decision = {&tg__portion_decision__descriptor, 16 * 1024,
                                                      FIELDS(portion_decision_fields)};

static const struct strict_field decision_fields[] = {
    {1, R, 16, 16, 0, NULL},                                 /* salt */
    {2, R, 0, 0, LIMIT_PORTIONS, &limits_portion_decision},  /* portions */
};
const struct strict_limits limits_decision = {&tg__decision__descriptor, LIMIT_DECISION, FIELDS(decision_fields)};

/* ---- session.proto ---- */

static const struct strict_field hello_fields[] = {
    {1, R, 1, 0xffff, 0, NULL},           /* protocol */
    {2, R, 32, 32, 0, NULL},              /* node */
    {3, T, 1, 64, 0, NULL},               /* software */
    {4, 0, 1, ANY, 0, NULL},              /* document_cursor */
    {5, 0, 1, LIMIT_CHECKPOINT, 0, NULL}, /* checkpoint */
    {6, 0, 1, ANY, 0, NULL},              /* credit_count */
    {7, 0, 1, ANY, 0, NULL},              /* credit_bytes */
    {8, 0, 1, ANY, 0, NULL},              /* receipt_cursor */
    {9, R, 1, LIMIT_TIME, 0, NULL},       /* time */
    {10, R, 16, 16, 0, NULL},             /* session */
    {11, 0, 1, ANY, 0, NULL},             /* rate */
    {12, 0, 1, ANY, 256, NULL},           /* arriving */
    {13, 0, 0, 0, MAX_WANTS, &limits_want}, /* wants */
    {14, 0, 1, ANY, 0, NULL},             /* seen_size */
    {15, 0, 32, 32, 0, NULL},             /* seen_root */
};
const struct strict_limits limits_hello = {&tg__hello__descriptor, 20 * 1024, FIELDS(hello_fields)};

static const struct strict_field welcome_fields[] = {
    {1, R, 1, 0xffff, 0, NULL},           /* protocol */
    {2, R, 16, 16, 0, NULL},              /* session */
    {3, R, 1, LIMIT_TIME, 0, NULL},       /* time */
    {4, R, 1, LIMIT_FRAME, 0, NULL},      /* max_frame */
    {5, 0, 1, LIMIT_FRAME, 0, NULL},      /* max_inline_body */
    {6, 0, 1, LIMIT_CHECKPOINT, 0, NULL}, /* checkpoint */
    {7, S, 32, MAX_LOG_STEPS, 0, NULL},   /* consistency */
    {8, 0, 1, ANY, 0, NULL},              /* last_number */
    {9, 0, 8, 1024, 0, NULL},             /* parked */
    {10, 0, 1, ANY, 0, NULL},             /* receipts_serial */
};
const struct strict_limits limits_welcome = {&tg__welcome__descriptor, 20 * 1024, FIELDS(welcome_fields)};

static const struct strict_field goodbye_fields[] = {
    {1, R, 1, 0xffff, 0, NULL},      /* reason */
    {2, T, 1, MAX_DETAIL, 0, NULL},  /* detail */
};
const struct strict_limits limits_goodbye = {&tg__goodbye__descriptor, 512, FIELDS(goodbye_fields)};

static const struct strict_field body_fields[] = {
    {1, 0, 1, MAX_INDEX, 0, NULL},      /* portion */
    {2, R, 273, MAX_SEALED, 0, NULL},   /* sealed */
};
const struct strict_limits limits_body = {&tg__body__descriptor, LIMIT_MESSAGE, FIELDS(body_fields)};

static const struct strict_field submission_fields[] = {
    {1, R, 128, LIMIT_HEADER, 0, NULL},                /* header */
    {2, R, 0, 0, 0, &limits_batch_proof},              /* proof */
    {3, R, 128, LIMIT_PORTION, LIMIT_PORTIONS, NULL},  /* portions */
    {4, R, 20, LIMIT_RELEASE, LIMIT_PORTIONS, NULL},   /* releases */
    {5, R, 128, LIMIT_WRAP, LIMIT_WRAPS, NULL},        /* wraps */
    {6, 0, 0, 0, LIMIT_PORTIONS, &limits_body},        /* bodies */
};
const struct strict_limits limits_submission = {&tg__submission__descriptor, LIMIT_MESSAGE,
                                                FIELDS(submission_fields)};

static const struct strict_field submit_fields[] = {
    {1, R, 0, 0, MAX_ITEMS, &limits_submission}, /* items */
    {2, 0, 1, LIMIT_CHECKPOINT, 0, NULL},        /* checkpoint */
};
const struct strict_limits limits_submit = {&tg__submit__descriptor, LIMIT_MESSAGE, FIELDS(submit_fields)};

static const struct strict_field want_fields[] = {
    {1, R, 32, 32, 0, NULL},            /* bulletin */
    {2, 0, 1, MAX_INDEX, 0, NULL},      /* portion */
    {3, 0, 1, UINT32_MAX, 0, NULL},     /* chunk */
    {4, R, 1, 65536, 0, NULL},          /* count */
    {5, 0, 1, MAX_CHUNK - 1, 0, NULL},  /* offset */
    {6, 0, 1, UINT32_MAX, 0, NULL},     /* handle */
};
const struct strict_limits limits_want = {&tg__want__descriptor, 64, FIELDS(want_fields)};

static const struct strict_field chunk_fields[] = {
    {1, 0, 32, 32, 0, NULL},            /* bulletin */
    {2, 0, 1, MAX_INDEX, 0, NULL},      /* portion */
    {3, 0, 1, UINT32_MAX, 0, NULL},     /* chunk */
    {4, R, 1, MAX_CHUNK, 0, NULL},      /* sealed */
    {5, 0, 1, MAX_CHUNK - 1, 0, NULL},  /* offset */
    {6, 0, 1, UINT32_MAX, 0, NULL},     /* handle */
};
const struct strict_limits limits_chunk = {&tg__chunk__descriptor, 64 * 1024 + 256, FIELDS(chunk_fields)};

static const struct strict_field outcome_fields[] = {
    {1, R, 32, 32, 0, NULL},                /* bulletin */
    {2, R, 1, LIMIT_ENTRY, 0, NULL},        /* entry */
    {3, R, 16, 16, 0, NULL},                /* salt */
    {4, 0, 1, ANY, 0, NULL},                /* leaf */
    {5, S, 32, MAX_LOG_STEPS, 0, NULL},     /* path */
    {6, 0, 1, LIMIT_DECISION, 0, NULL},     /* decision */
};
const struct strict_limits limits_outcome = {&tg__outcome__descriptor, LIMIT_MESSAGE, FIELDS(outcome_fields)};

static const struct strict_field outcomes_fields[] = {
    {1, R, 1, LIMIT_CHECKPOINT, 0, NULL},      /* checkpoint */
    {2, R, 0, 0, MAX_ITEMS, &limits_outcome},  /* items */
    {3, S, 32, MAX_LOG_STEPS, 0, NULL},         /* consistency */
};
const struct strict_limits limits_outcomes = {&tg__outcomes__descriptor, LIMIT_MESSAGE, FIELDS(outcomes_fields)};

static const struct strict_field open_portion_fields[] = {
    {1, R, 128, LIMIT_PORTION, 0, NULL},       /* portion */
    {2, S, 32, MAX_PORTION_STEPS, 0, NULL},    /* path */
    {3, 0, 20, LIMIT_RELEASE, 0, NULL},        /* release */
};
const struct strict_limits limits_open_portion = {&tg__open_portion__descriptor, LIMIT_MESSAGE,
                                                  FIELDS(open_portion_fields)};

static const struct strict_field delivery_fields[] = {
    {1, R, 1, ANY, 0, NULL},                              /* queue */
    {2, R, 128, LIMIT_HEADER, 0, NULL},                   /* header */
    {3, R, 0, 0, 0, &limits_batch_proof},                 /* proof */
    {4, R, 0, 0, LIMIT_PORTIONS, &limits_open_portion},   /* portions */
    {5, R, 128, LIMIT_WRAP, 0, NULL},                     /* wrap */
    {6, 0, 1, LIMIT_WRAPS - 1, 0, NULL},                  /* wrap_index */
    {7, S, 32, MAX_AUDIENCE_STEPS, 0, NULL},              /* wrap_path */
    {8, 0, 0, 0, LIMIT_PORTIONS, &limits_body},           /* bodies */
    {9, R, 1, LIMIT_ENTRY, 0, NULL},                      /* entry */
    {10, R, 16, 16, 0, NULL},                             /* salt */
    {11, 0, 1, ANY, 0, NULL},                             /* leaf */
    {12, S, 32, MAX_LOG_STEPS, 0, NULL},                  /* path */
};
const struct strict_limits limits_delivery = {&tg__delivery__descriptor, LIMIT_MESSAGE, FIELDS(delivery_fields)};

static const struct strict_field deliver_fields[] = {
    {1, R, 1, LIMIT_CHECKPOINT, 0, NULL},       /* checkpoint */
    {2, R, 0, 0, MAX_ITEMS, &limits_delivery},  /* items */
    {3, S, 32, MAX_LOG_STEPS, 0, NULL},         /* consistency */
};
const struct strict_limits limits_deliver = {&tg__deliver__descriptor, LIMIT_MESSAGE, FIELDS(deliver_fields)};

static const struct strict_field receipts_fields[] = {
    {1, 0, 64, 64, 0, NULL},                        /* signature */
    {2, 0, 64, LIMIT_RECEIPT, MAX_RECEIPTS, NULL},  /* items */
    {3, 0, 1, ANY, MAX_RECEIPTS, NULL},             /* queues */
    {4, 0, 1, ANY, 0, NULL},                        /* credit_count */
    {5, 0, 1, ANY, 0, NULL},                        /* credit_bytes */
    {6, 0, 1, LIMIT_CHECKPOINT, 0, NULL},           /* checkpoint */
    {7, 0, 1, ANY, 0, NULL},                        /* serial */
};
const struct strict_limits limits_receipts = {&tg__receipts__descriptor, LIMIT_MESSAGE, FIELDS(receipts_fields)};

static const struct strict_field receipt_note_fields[] = {
    {1, R, 1, ANY, 0, NULL},                /* sequence */
    {2, R, 64, LIMIT_RECEIPT, 0, NULL},     /* receipt */
    {3, R, 0, 0, 0, &limits_batch_proof},   /* proof */
    {4, R, 1, LIMIT_ENTRY, 0, NULL},        /* entry */
    {5, R, 16, 16, 0, NULL},                /* salt */
    {6, 0, 1, ANY, 0, NULL},                /* leaf */
    {7, S, 32, MAX_LOG_STEPS, 0, NULL},     /* path */
};
const struct strict_limits limits_receipt_note = {&tg__receipt_note__descriptor, 4096, FIELDS(receipt_note_fields)};

static const struct strict_field receipt_notes_fields[] = {
    {1, R, 1, LIMIT_CHECKPOINT, 0, NULL},           /* checkpoint */
    {2, R, 0, 0, MAX_ITEMS, &limits_receipt_note},  /* items */
    {3, S, 32, MAX_LOG_STEPS, 0, NULL},         /* consistency */
};
const struct strict_limits limits_receipt_notes = {&tg__receipt_notes__descriptor, LIMIT_MESSAGE,
                                                   FIELDS(receipt_notes_fields)};

static const struct strict_field receipts_seen_fields[] = {
    {1, R, 1, ANY, 0, NULL}, /* sequence */
};
const struct strict_limits limits_receipts_seen = {&tg__receipts_seen__descriptor, 16,
                                                   FIELDS(receipts_seen_fields)};

static const struct strict_field document_fields[] = {
    {1, 0, 1, ANY, 0, NULL},               /* sequence */
    {2, R, 1, 7, 0, NULL},                 /* kind */
    {3, R, 1, LIMIT_DOCUMENT, 0, NULL},    /* content */
    {4, 0, 0, 0, 0, &limits_batch_proof},  /* proof */
    {5, 0, 1, LIMIT_ENTRY, 0, NULL},       /* entry */
    {6, 0, 16, 16, 0, NULL},               /* salt */
    {7, 0, 1, ANY, 0, NULL},               /* leaf */
    {8, S, 32, MAX_LOG_STEPS, 0, NULL},    /* path */
};
const struct strict_limits limits_document = {&tg__document__descriptor, LIMIT_DOCUMENT + 5120,
                                              FIELDS(document_fields)};

static const struct strict_field documents_fields[] = {
    {1, 0, 0, 0, MAX_ITEMS, &limits_document}, /* items */
    {2, 0, 1, LIMIT_CHECKPOINT, 0, NULL},      /* checkpoint */
    {3, S, 32, MAX_LOG_STEPS, 0, NULL},         /* consistency */
};
const struct strict_limits limits_documents = {&tg__documents__descriptor, LIMIT_MESSAGE,
                                               FIELDS(documents_fields)};

static const struct strict_field document_outcome_fields[] = {
    {1, R, 32, 32, 0, NULL},             /* hash */
    {2, 0, 1, 0xffff, 0, NULL},          /* reason */
    {3, T, 1, MAX_DETAIL, 0, NULL},      /* detail */
    {4, 0, 1, LIMIT_ENTRY, 0, NULL},     /* entry */
    {5, 0, 16, 16, 0, NULL},             /* salt */
    {6, 0, 1, ANY, 0, NULL},             /* leaf */
    {7, S, 32, MAX_LOG_STEPS, 0, NULL},  /* path */
};
const struct strict_limits limits_document_outcome = {&tg__document_outcome__descriptor, 4096,
                                                      FIELDS(document_outcome_fields)};

static const struct strict_field document_outcomes_fields[] = {
    {1, R, 1, LIMIT_CHECKPOINT, 0, NULL},               /* checkpoint */
    {2, R, 0, 0, MAX_ITEMS, &limits_document_outcome},  /* items */
    {3, S, 32, MAX_LOG_STEPS, 0, NULL},         /* consistency */
};
const struct strict_limits limits_document_outcomes = {&tg__document_outcomes__descriptor, LIMIT_MESSAGE,
                                                       FIELDS(document_outcomes_fields)};

static const struct strict_field tick_fields[] = {
    {1, R, 1, LIMIT_TIME, 0, NULL},        /* time */
    {2, 0, 1, LIMIT_CHECKPOINT, 0, NULL},  /* checkpoint */
    {3, S, 32, MAX_LOG_STEPS, 0, NULL},    /* consistency */
    {4, 0, 1, LIMIT_BARE_CHECKPOINT, 0, NULL}, /* other */
    {5, S, 32, MAX_LOG_STEPS, 0, NULL},    /* other_path */
};
const struct strict_limits limits_tick = {&tg__tick__descriptor, 20 * 1024, FIELDS(tick_fields)};

static const struct strict_field receipts_wanted_fields[] = {
    {1, 0, 1, ANY, 0, NULL}, /* from */
};
const struct strict_limits limits_receipts_wanted = {&tg__receipts_wanted__descriptor, 16, FIELDS(receipts_wanted_fields)};

static const struct strict_field stated_receipts_fields[] = {
    {1, R, 1, LIMIT_ENTRY, 0, NULL},               /* entry */
    {2, R, 16, 16, 0, NULL},                       /* salt */
    {3, 0, 1, ANY, 0, NULL},                       /* leaf */
    {4, S, 32, MAX_LOG_STEPS, 0, NULL},            /* path */
    {5, 0, 64, 64, 0, NULL},                       /* signature */
    {6, 0, 64, LIMIT_RECEIPT, MAX_RECEIPTS, NULL}, /* items */
};
const struct strict_limits limits_stated_receipts = {&tg__stated_receipts__descriptor, LIMIT_MESSAGE, FIELDS(stated_receipts_fields)};

static const struct strict_field receipts_logged_fields[] = {
    {1, R, 1, LIMIT_CHECKPOINT, 0, NULL},                /* checkpoint */
    {2, 0, 0, 0, MAX_ITEMS, &limits_stated_receipts},    /* items */
    {3, S, 32, MAX_LOG_STEPS, 0, NULL},                  /* consistency */
    {4, 0, 1, ANY, 0, NULL},                             /* from */
    {5, 0, 1, ANY, 0, NULL},                             /* upto */
};
const struct strict_limits limits_receipts_logged = {&tg__receipts_logged__descriptor, LIMIT_MESSAGE, FIELDS(receipts_logged_fields)};

/* ---- bundle.proto ---- */

static const struct strict_field bundle_head_fields[] = {
    {1, R, 32, 32, 0, NULL},         /* exchange */
    {2, R, 32, 32, 0, NULL},         /* from */
    {3, R | T, 2, 2, 0, NULL},       /* to */
    {4, R, 1, LIMIT_TIME, 0, NULL},  /* time */
};
const struct strict_limits limits_bundle_head = {&tg__bundle_head__descriptor, 128, FIELDS(bundle_head_fields)};

static const struct strict_field parcel_fields[] = {
    {1, R, 128, LIMIT_HEADER, 0, NULL},                   /* header */
    {2, R, 0, 0, 0, &limits_batch_proof},                 /* proof */
    {3, R, 0, 0, LIMIT_PORTIONS, &limits_open_portion},   /* portions */
    {4, R, 128, LIMIT_WRAP, 0, NULL},                     /* wrap */
    {5, 0, 1, LIMIT_WRAPS - 1, 0, NULL},                  /* wrap_index */
    {6, S, 32, MAX_AUDIENCE_STEPS, 0, NULL},              /* wrap_path */
    {7, 0, 1, LIMIT_ENTRY, 0, NULL},                      /* entry */
    {8, 0, 16, 16, 0, NULL},                              /* salt */
    {9, 0, 1, ANY, 0, NULL},                              /* leaf */
    {10, S, 32, MAX_LOG_STEPS, 0, NULL},                  /* path */
    {11, 0, 1, LIMIT_CHECKPOINT, 0, NULL},                /* checkpoint */
};
const struct strict_limits limits_parcel = {&tg__parcel__descriptor, LIMIT_PARCEL, FIELDS(parcel_fields)};

static const struct strict_field bundle_receipts_fields[] = {
    {1, R, 64, 64, 0, NULL},                            /* signature */
    {2, R, 64, LIMIT_RECEIPT, MAX_RECEIPTS, NULL},      /* items */
};
const struct strict_limits limits_bundle_receipts = {&tg__bundle_receipts__descriptor, LIMIT_MESSAGE,
                                                     FIELDS(bundle_receipts_fields)};

static const struct strict_field bundle_end_fields[] = {
    {1, R, 0, 0, 0, &limits_batch_proof}, /* proof */
};
const struct strict_limits limits_bundle_end = {&tg__bundle_end__descriptor, 1100, FIELDS(bundle_end_fields)};

const struct strict_limits *const limits_all[] = {
    &limits_subject, &limits_approval, &limits_header, &limits_portion, &limits_release, &limits_wrap,
    &limits_batch_proof, &limits_body_head, &limits_receipt, &limits_sealing_keys, &limits_sealing_key, &limits_entry,
    &limits_decision, &limits_portion_decision, &limits_denial, &limits_hello, &limits_welcome, &limits_goodbye,
    &limits_body, &limits_submission, &limits_submit, &limits_want, &limits_chunk, &limits_outcome, &limits_outcomes,
    &limits_open_portion, &limits_delivery, &limits_deliver, &limits_receipts, &limits_receipt_note,
    &limits_receipt_notes, &limits_receipts_seen, &limits_document, &limits_documents, &limits_document_outcome,
    &limits_document_outcomes, &limits_tick, &limits_receipts_wanted, &limits_stated_receipts, &limits_receipts_logged, &limits_bundle_head, &limits_parcel, &limits_bundle_receipts,
    &limits_bundle_end, NULL};
