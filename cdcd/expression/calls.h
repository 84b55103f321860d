/* The C functions in the catalog's rows, by the file that has them. Private to expression/. */
#ifndef CDCD_EXPRESSION_CALLS_H
#define CDCD_EXPRESSION_CALLS_H

#include "expression/catalog.h"

typedef const char *call_row(struct call *call);

/* compare.c */
call_row bool_eq, bool_ne, bool_lt, bool_le, bool_gt, bool_ge;
call_row int_eq, int_ne, int_lt, int_le, int_gt, int_ge;
call_row real_eq, real_ne, real_lt, real_le, real_gt, real_ge;
call_row numeric_eq, numeric_ne, numeric_lt, numeric_le, numeric_gt, numeric_ge;
call_row text_eq, text_ne, bpchar_eq, bpchar_ne;
call_row bytea_eq, bytea_ne, bytea_lt, bytea_le, bytea_gt, bytea_ge;
call_row uuid_eq, uuid_ne, uuid_lt, uuid_le, uuid_gt, uuid_ge;
call_row date_eq, date_ne, date_lt, date_le, date_gt, date_ge;
call_row time_eq, time_ne, time_lt, time_le, time_gt, time_ge;

/* integer.c */
call_row int2_add, int2_sub, int2_mul, int2_div, int2_mod, int2_neg, int2_abs;
call_row int4_add, int4_sub, int4_mul, int4_div, int4_mod, int4_neg, int4_abs;
call_row int8_add, int8_sub, int8_mul, int8_div, int8_mod, int8_neg, int8_abs;
call_row int_same;
call_row int_to_int2, int_to_int4, int_to_bool, bool_to_int;

/* numeric_math.c */
call_row numeric_add, numeric_sub, numeric_mul, numeric_div, numeric_mod, numeric_neg, numeric_abs;
call_row numeric_same, numeric_round, numeric_trunc, numeric_floor, numeric_ceil;

/* real.c */
call_row float4_add, float4_sub, float4_mul, float4_div;
call_row float8_add, float8_sub, float8_mul, float8_div;
call_row real_neg, real_abs, real_same, real_floor, real_ceil, real_round, real_trunc;

/* dates.c */
call_row date_add, date_sub, date_diff, int_add_date, time_trunc;

/* to_char.c */
call_row time_to_char;

/* convert.c */
call_row int_to_float4, int_to_float8, int_to_numeric;
call_row real_to_float4, real_to_int2, real_to_int4, real_to_int8, float4_to_numeric;
call_row float8_to_numeric, numeric_to_float4, numeric_to_float8, numeric_to_int2;
call_row numeric_to_int4, numeric_to_int8, bool_to_text, bpchar_to_text, any_to_text;
call_row date_to_timestamp, timestamp_to_date, timestamp_same;
call_row text_to_bool, text_to_int2, text_to_int4, text_to_int8, text_to_float4, text_to_float8;
call_row text_to_numeric, text_to_uuid, text_to_date, text_to_timestamp, text_to_timestamptz;
call_row text_to_bytea, text_to_json, text_to_jsonb;

/* text.c */
call_row text_length, bpchar_length, text_bytes, text_left, text_right, text_substr, bytea_substr;
call_row text_replace, text_btrim, text_ltrim, text_rtrim, bytea_btrim, bytea_ltrim, bytea_rtrim;
call_row text_split_part, text_starts_with, text_strpos, text_lower, text_upper, text_join;
call_row any_join, any_concat, any_concat_ws;
/* What a char(n) says. */
struct text text_without_blanks(struct text text);

/* like.c */
call_row any_like, any_ilike, any_like_escape;

/* bytea.c */
call_row any_md5, bytea_encode, text_convert_to;

/* json_get.c */
call_row json_by_key, json_by_index, json_text_by_key, json_text_by_index, jsonb_eq, jsonb_ne;
call_row jsonb_to_bool, jsonb_to_int2, jsonb_to_int4, jsonb_to_int8, jsonb_to_float4;
call_row jsonb_to_float8, jsonb_to_numeric;

#endif
