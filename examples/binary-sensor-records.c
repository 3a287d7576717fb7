/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of records of a fixed length that come into a folder while the stream runs:
 * readings of sensors, 16 bytes each.  The program writes a file a minute itself, under a
 * clock that it moves, and prints for each sensor how many readings there were in the
 * minute, their mean, and the highest.
 *
 *   $ mkdir inbox
 *   $ binary-sensor-records inbox
 *   minute 1
 *     sensor 1: 19 readings, mean 18.28, highest 20.50
 *     sensor 2: 20 readings, mean 19.44, highest 21.75
 *     sensor 3: 21 readings, mean 20.40, highest 22.75
 *   minute 2
 *     sensor 1: 24 readings, mean 18.22, highest 20.75
 *     sensor 2: 20 readings, mean 18.73, highest 21.50
 *     sensor 3: 16 readings, mean 20.72, highest 22.50
 *   minute 3
 *     sensor 1: 19 readings, mean 19.33, highest 20.75
 *     sensor 2: 25 readings, mean 19.30, highest 21.75
 *     sensor 3: 16 readings, mean 20.61, highest 22.75
 *   $ mkdir spoilt
 *   $ head -c 95 inbox/1.bin >spoilt/cut.bin
 *   $ binary-sensor-records spoilt 2>&1 | grep -o 'which is .* more' | head -n 1
 *   which is 5 records of 16 bytes and 15 bytes more
 *
 * A file that does not divide into records was not copied as a whole, or has records of
 * another length: that is an error and never a wrong last reading. */

#include <dstream/dstream.h>
#include <glib/gstdio.h>
#include <string.h>

#define BATCH_INTERVAL (1 * DS_MINUTE)

/* As it lies in the file, little endian: */
enum
{
  SENSOR_AT = 0,  /* 4 bytes, unsigned */
  SECOND_AT = 4,  /* 4 bytes, unsigned */
  CELSIUS_AT = 8, /* 8 bytes, IEEE 754 */
  RECORD_BYTES = 16
};

/* ---- The stream ---- */

/* Becomes (sensor, (1, celsius, celsius)): how many, their sum, the highest. */
static DsValue
read_record (DsValue record, DsTask *task, gpointer user_data)
{
  DsValue sensor =
      ds_value_int (ds_value_get_uint_at (record, SENSOR_AT, 4, G_LITTLE_ENDIAN));
  DsValue celsius =
      ds_value_double (ds_value_get_double_at (record, CELSIUS_AT, 8, G_LITTLE_ENDIAN));

  return ds_pair (task, sensor, ds_tuple (task, ds_value_int (1), celsius, celsius));
}

static DsValue
add_readings (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  double highest_a = ds_value_get_double (ds_value_get_item (a, 2));
  double highest_b = ds_value_get_double (ds_value_get_item (b, 2));

  return ds_tuple (task,
                   ds_value_int (ds_value_get_int (ds_value_get_item (a, 0)) +
                                 ds_value_get_int (ds_value_get_item (b, 0))),
                   ds_value_double (ds_value_get_double (ds_value_get_item (a, 1)) +
                                    ds_value_get_double (ds_value_get_item (b, 1))),
                   ds_value_double (MAX (highest_a, highest_b)));
}

static gboolean
print_readings (DsRdd *by_sensor, DsBatch *batch, gpointer user_data, GError **error)
{
  g_autoptr (DsRdd) sorted = ds_rdd_sort_by_key (by_sensor, DS_ASCENDING);
  g_autoptr (DsBlock) block = ds_rdd_collect (sorted, error);

  if (block == NULL)
    return FALSE;
  g_print ("minute %" G_GINT64_FORMAT "\n", ds_batch_get_time (batch) / DS_MINUTE);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      DsValue reading = ds_block_get (block, i);
      DsValue sums = ds_pair_value (reading);
      gint64 n_readings = ds_value_get_int (ds_value_get_item (sums, 0));

      g_print ("  sensor %" G_GINT64_FORMAT ": %" G_GINT64_FORMAT
               " readings, mean %.2f, highest %.2f\n",
               ds_value_get_int (ds_pair_key (reading)), n_readings,
               ds_value_get_double (ds_value_get_item (sums, 1)) / (double) n_readings,
               ds_value_get_double (ds_value_get_item (sums, 2)));
    }
  return TRUE;
}

static void
add_up_readings (DsStreamingContext *ssc, const char *folder)
{
  DsDStream *records =
      ds_streaming_context_binary_records_stream (ssc, folder, RECORD_BYTES);
  DsDStream *readings = ds_dstream_map (records, read_record, NULL, NULL);
  DsDStream *by_sensor = ds_dstream_reduce_by_key (readings, add_readings, NULL, NULL);

  /* Whatever their time: the clock of this program stands in 1970. */
  ds_dstream_set_file_selection (records, DS_FILES_ALL);
  ds_dstream_foreach_rdd (by_sensor, print_readings, NULL, NULL);
}

/* ---- Its files ---- */

static void
put_record (GByteArray *bytes, guint32 sensor, guint32 second, double celsius)
{
  guint64 celsius_bits;
  guint8 record[RECORD_BYTES];

  sensor = GUINT32_TO_LE (sensor);
  second = GUINT32_TO_LE (second);
  memcpy (&celsius_bits, &celsius, sizeof celsius_bits);
  celsius_bits = GUINT64_TO_LE (celsius_bits);
  memcpy (record + SENSOR_AT, &sensor, sizeof sensor);
  memcpy (record + SECOND_AT, &second, sizeof second);
  memcpy (record + CELSIUS_AT, &celsius_bits, sizeof celsius_bits);
  g_byte_array_append (bytes, record, sizeof record);
}

/* A reading of one of three sensors every second, in quarters of a degree.  The file is
 * written under a name that streams pass over, and renamed when it is whole. */
static gboolean
write_minute (const char *folder, guint32 minute, GRand *random, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree char *hidden = g_strdup_printf ("%s/.%u.bin", folder, minute);
  g_autofree char *path = g_strdup_printf ("%s/%u.bin", folder, minute);

  for (guint32 second = 0; second < 60; second++)
    {
      guint32 sensor = (guint32) g_rand_int_range (random, 1, 4);

      put_record (bytes, sensor, 60 * minute + second,
                  15 + (double) sensor + g_rand_int_range (random, 0, 20) / 4.0);
    }
  if (!g_file_set_contents (hidden, (const char *) bytes->data, (gssize) bytes->len,
                            error))
    return FALSE;
  if (g_rename (hidden, path) == 0)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_IO, "Cannot rename \"%s\" to \"%s\"", hidden,
               path);
  return FALSE;
}

static gboolean
run (DsStreamingContext *ssc, const char *folder, GError **error)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;
  for (guint32 minute = 1; minute <= 3; minute++)
    {
      if (!write_minute (folder, minute, random, error))
        return FALSE;
      ds_manual_clock_advance (clock, BATCH_INTERVAL);
      if (!ds_streaming_context_await_batch (ssc, minute * BATCH_INTERVAL, error))
        return FALSE;
    }
  return ds_streaming_context_stop (ssc, DS_STOP_NOW, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[2]", "SensorRecords", BATCH_INTERVAL);

  if (argc != 2)
    {
      g_printerr ("Usage: binary-sensor-records FOLDER\n");
      return 2;
    }

  add_up_readings (ssc, argv[1]);
  if (!run (ssc, argv[1], &error))
    {
      g_printerr ("binary-sensor-records: %s\n", error->message);
      return 1;
    }
  return 0;
}
