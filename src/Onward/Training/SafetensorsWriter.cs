using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Onward.Models;

namespace Onward.Training;

/// <summary>
/// Writes parameters in the safetensors format: the header's length (8 bytes, little-endian), the header (JSON: dtype,
/// shape and place of each tensor), then all numbers, little-endian, without gaps.
/// </summary>
public static class SafetensorsWriter
{
    // The numbers start at a multiple of this; the header is padded with spaces, as the format's own library does.
    private const int Alignment = 8;

    /// <summary>
    /// Writes a file, or leaves the file that was there: the bytes go to a temporary file in the same folder, reach the
    /// disk, and only then take the name.
    /// </summary>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="values">The parameters, in the order of their layout.</param>
    /// <param name="metadata">Texts to keep with them.</param>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void Write(string path, ParameterVector values, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(metadata);
        string partial = $"{path}.{Path.GetRandomFileName()}.partial";
        try
        {
            using (FileStream file = new(partial, FileMode.CreateNew, FileAccess.Write))
            {
                Write(file, values, metadata);
                file.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    private static void Write(FileStream file, ParameterVector values, IReadOnlyDictionary<string, string> metadata)
    {
        ReadOnlySpan<byte> header = Header(values.Layout, metadata).WrittenSpan;
        int padding = (Alignment - (header.Length % Alignment)) % Alignment;
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)(header.Length + padding));
        file.Write(length);
        file.Write(header);
        file.Write("       "u8[..padding]);
        foreach (Parameter parameter in values.Layout.Parameters)
        {
            file.Write(MemoryMarshal.AsBytes(values[parameter]));
        }
    }

    private static ArrayBufferWriter<byte> Header(ParameterLayout layout, IReadOnlyDictionary<string, string> metadata)
    {
        ArrayBufferWriter<byte> buffer = new();
        using Utf8JsonWriter json = new(buffer);
        json.WriteStartObject();
        json.WriteStartObject("__metadata__");
        foreach ((string key, string text) in metadata)
        {
            json.WriteString(key, text);
        }

        json.WriteEndObject();
        long offset = 0;
        foreach (Parameter parameter in layout.Parameters)
        {
            json.WriteStartObject(parameter.Name);
            json.WriteString("dtype", "F32");
            json.WriteStartArray("shape");
            foreach (int size in parameter.Shape)
            {
                json.WriteNumberValue(size);
            }

            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(offset);
            json.WriteNumberValue(offset += (long)parameter.Length * sizeof(float));
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.Flush();
        return buffer;
    }
}
