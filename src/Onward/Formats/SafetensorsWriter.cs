using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Onward.Models;

namespace Onward.Formats;

/// <summary>
/// Writes parameters in the safetensors format: the header's length (8 bytes, little-endian), the header (JSON: dtype, shape
/// and offsets of each tensor), then all numbers, little-endian, without gaps.
/// </summary>
public static class SafetensorsWriter
{
    /// <summary>Key of the checksum in the metadata of a file.</summary>
    internal const string ChecksumKey = "onward.xxh128";

    /// <summary>Key of the SHA-256 that checkpoints of version 0.1 contain instead.</summary>
    internal const string OldChecksumKey = "onward.sha256";

    // The numbers start at a multiple of this. The header is padded with spaces, as in the reference implementation.
    private const int Alignment = 8;

    /// <summary>Placeholder that stands in the header while the checksum is computed.</summary>
    internal static string ChecksumBlank { get; } = new('0', Checksum.Digits);

    /// <summary>Writes a file with a checksum of every byte. If writing fails, an existing file is left intact.</summary>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="values">The parameters, in the order of their layout.</param>
    /// <param name="metadata">Texts to store with the parameters.</param>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the folder is denied.</exception>
    public static void Write(string path, ParameterVector values, IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(metadata);
        Write(path, [("", values)], metadata);
    }

    /// <summary>Writes several vectors to one file.</summary>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="vectors">The vectors, each with a prefix for the names of its parameters.</param>
    /// <param name="metadata">Texts to store with the vectors.</param>
    internal static void Write(
        string path, IReadOnlyList<(string Prefix, ParameterVector Vector)> vectors, IReadOnlyDictionary<string, string> metadata)
    {
        List<NamedTensor> tensors = [.. vectors.SelectMany(vector => NamedTensor.Of(vector.Prefix, vector.Vector))];
        byte[] header = Header(tensors, [new(ChecksumKey, ChecksumBlank), .. metadata]);
        using Checksum checksum = new();
        checksum.Add(header);
        foreach (NamedTensor tensor in tensors)
        {
            checksum.Add(tensor.Bytes);
        }

        int at = header.AsSpan().IndexOf(Encoding.ASCII.GetBytes(ChecksumBlank));
        Encoding.ASCII.GetBytes(checksum.End(), header.AsSpan(at));
        DurableFile.Write(path, file => Write(file, header, tensors));
    }

    private static void Write(Stream file, byte[] header, List<NamedTensor> tensors)
    {
        file.Write(header);
        foreach (NamedTensor tensor in tensors)
        {
            file.Write(tensor.Bytes);
        }
    }

    // The header includes its length in front and the padding at its end.
    private static byte[] Header(List<NamedTensor> tensors, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        ArrayBufferWriter<byte> buffer = new();
        buffer.Write("        "u8);
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach ((string key, string text) in metadata)
            {
                json.WriteString(key, text);
            }

            json.WriteEndObject();
            WriteTensors(json, tensors);
            json.WriteEndObject();
        }

        buffer.Write("       "u8[..((Alignment - (buffer.WrittenCount % Alignment)) % Alignment)]);
        byte[] header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)(header.Length - sizeof(ulong)));
        return header;
    }

    private static void WriteTensors(Utf8JsonWriter json, List<NamedTensor> tensors)
    {
        long offset = 0;
        foreach (NamedTensor tensor in tensors)
        {
            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", "F32");
            json.WriteStartArray("shape");
            foreach (int size in tensor.Parameter.Shape)
            {
                json.WriteNumberValue(size);
            }

            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(offset);
            json.WriteNumberValue(offset += (long)tensor.Parameter.Length * sizeof(float));
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    private sealed record NamedTensor(string Name, Parameter Parameter, ParameterVector Vector)
    {
        internal ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(Vector[Parameter]);

        internal static IEnumerable<NamedTensor> Of(string prefix, ParameterVector vector) =>
            vector.Layout.Parameters.Select(parameter => new NamedTensor(prefix + parameter.Name, parameter, vector));
    }
}
