using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Onward.Formats;

namespace Onward.Fuzz;

/// <summary>Mutates safetensors files: any byte, the header with its length corrected, or the JSON in a metadata text.</summary>
internal static class SafetensorsMutation
{
    /// <summary>Mutates a file.</summary>
    internal static byte[] Apply(byte[] content, byte[] donor, Draw draw)
    {
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(content);
        byte[] header = content[8..(8 + length)], numbers = content[(8 + length)..];
        switch (draw.Below(10))
        {
            case < 2:
                return ByteMutation.Apply(content, donor, draw);
            case < 3:
                numbers = ByteMutation.Apply(numbers, donor, draw);
                break;
            case < 6:
                header = TokenMutation.Apply(header, donor, draw);
                break;
            default:
                header = ChangeMetadata(header, draw);
                break;
        }

        return Join(header, numbers, isChecked: draw.Percent(90));
    }

    private static byte[] ChangeMetadata(byte[] header, Draw draw)
    {
        JsonNode root = JsonNode.Parse(header)!;
        JsonObject metadata = root["__metadata__"]!.AsObject();
        string key = draw.Pick([.. metadata.Select(text => text.Key).Where(key => key != SafetensorsWriter.ChecksumKey)]);
        byte[] text = Encoding.UTF8.GetBytes(metadata[key]!.GetValue<string>());
        metadata[key] = Encoding.UTF8.GetString(TokenMutation.Apply(text, text, draw));
        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    // Usually corrects the checksum, because otherwise the reader would only report the wrong checksum.
    private static byte[] Join(byte[] header, byte[] numbers, bool isChecked)
    {
        byte[] file = [.. new byte[8], .. header, .. numbers];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        byte[] key = Encoding.UTF8.GetBytes($"\"{SafetensorsWriter.ChecksumKey}\":\"");
        int at = file.AsSpan().IndexOf(key) + key.Length, width = SafetensorsWriter.ChecksumBlank.Length;
        if (isChecked && at >= key.Length && at + width <= file.Length)
        {
            Encoding.ASCII.GetBytes(SafetensorsWriter.ChecksumBlank, file.AsSpan(at));
            Encoding.ASCII.GetBytes(Checksum.Of(file), file.AsSpan(at));
        }

        return file;
    }
}
