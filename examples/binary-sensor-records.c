/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records of a fixed length: a file of readings of sensors, 16 bytes each, written and
 * read again.  Makes the file, which is the same every time, and prints for each sensor
 * how many readings there are, their mean, and the highest.
 *
 *   $ binary-sensor-records --generate readings.bin
 *   $ wc -c <readings.bin
 *   16000
 *   $ binary-sensor-records readings.bin
 *   sensor 1: 198 readings, mean 18.58, highest 20.75
 *   sensor 2: 214 readings, mean 19.30, highest 21.75
 *   sensor 3: 201 readings, mean 20.32, highest 22.75
 *   sensor 4: 198 readings, mean 21.53, highest 23.75
 *   sensor 5: 189 readings, mean 22.44, highest 24.75
 *   $ head -c 15999 readings.bin >cut.bin
 *   $ binary-sensor-records cut.bin 2>&1 | grep -o '15999 bytes, which is .* more'
 *   15999 bytes, which is 999 records of 16 bytes and 15 bytes more
 *
 * A file that does not divide into records was not copied as a whole, or has records of
 * another length: that is an error and never a wrong last reading. */

#include <dstream/dstream.h>
#include <string.h>

/* As it lies in the file, little endian: */
enum
{
  SENSOR_AT = 0,  /* 4 bytes, unsigned */
  SECOND_AT = 4,  /* 4 bytes, unsigned */
  CELSIUS_AT = 8, /* 8 bytes, IEEE 754 */
  RECORD_BYTES = 16
};

/* Becomes (sensor, (1, celsius, celsius)): how many, their sum, the highest. */
static DsValue
read_record (DsValue record, DsTask *task, gpointer user_data)
{
  DsValue sensor =
      ds_value_int (ds_value_get_int_at (record, SENSOR_AT, 4, G_LITTLE_ENDIAN));
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
print_readings (const char *path, GError **error)
{
  g_autoptr (DsContext) context = ds_context_new ("local[2]", "SensorRecords");
  g_autoptr (DsRdd) records = ds_context_binary_records (context, path, RECORD_BYTES);
  g_autoptr (DsRdd) readings = ds_rdd_map (records, read_record, NULL, NULL);
  g_autoptr (DsRdd) by_sensor = ds_rdd_reduce_by_key (readings, add_readings, NULL, NULL);
  g_autoptr (DsRdd) sorted = ds_rdd_sort_by_key (by_sensor, DS_ASCENDING);
  g_autoptr (DsBlock) block = ds_rdd_collect (sorted, error);

  if (block == NULL)
    return FALSE;
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      DsValue reading = ds_block_get (block, i);
      DsValue sums = ds_pair_value (reading);
      gint64 n_readings = ds_value_get_int (ds_value_get_item (sums, 0));

      g_print ("sensor %" G_GINT64_FORMAT ": %" G_GINT64_FORMAT
               " readings, mean %.2f, highest %.2f\n",
               ds_value_get_int (ds_pair_key (reading)), n_readings,
               ds_value_get_double (ds_value_get_item (sums, 1)) / (double) n_readings,
               ds_value_get_double (ds_value_get_item (sums, 2)));
    }
  return TRUE;
}

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

/* A reading of one of five sensors every second, in quarters of a degree. */
static gboolean
generate (const char *path, GError **error)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  for (guint32 second = 0; second < 1000; second++)
    {
      guint32 sensor = (guint32) g_rand_int_range (random, 1, 6);

      put_record (bytes, sensor, second,
                  15 + (double) sensor + g_rand_int_range (random, 0, 20) / 4.0);
    }
  return g_file_set_contents (path, (const char *) bytes->data, (gssize) bytes->len,
                              error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  gboolean done = FALSE;

  if (argc == 3 && g_str_equal (argv[1], "--generate"))
    done = generate (argv[2], &error);
  else if (argc == 2)
    done = print_readings (argv[1], &error);
  else
    {
      g_printerr ("Usage: binary-sensor-records [--generate] FILE\n");
      return 2;
    }

  if (!done)
    g_printerr ("binary-sensor-records: %s\n", error->message);
  return done ? 0 : 1;
}
