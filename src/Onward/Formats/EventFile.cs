using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace Onward.Formats;

/// <summary>A file of events for TensorBoard, which reads all such files of a folder in the order of their names.</summary>
/// <remarks>
/// Each event is one record, written and flushed at once: its length, a checksum of that, its bytes, a checksum of those. A
/// program that is killed leaves at most the last record incomplete, at which readers stop and go on with the next file. So a
/// run that goes on opens another file, which begins with the start of a session at its first step: that makes readers drop
/// what earlier files hold of that step and those after it. The numbers of the fields are those of <c>event.proto</c>.
/// </remarks>
public sealed class EventFile : IDisposable
{
    private const string Prefix = "events.out.tfevents.", Suffix = ".onward";

    private readonly FileStream _file;
    private readonly TimeProvider _clock;

    /// <summary>Begins a file.</summary>
    /// <param name="folder">The folder, which must exist.</param>
    /// <param name="firstStep">The first step that the file will hold; readers drop it, and what follows it, from earlier files.</param>
    /// <param name="clock">Tells the time of events.</param>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public EventFile(string folder, long firstStep, TimeProvider clock)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfNegative(firstStep);
        ArgumentNullException.ThrowIfNull(clock);
        const int Start = 1;
        _clock = clock;
        _file = new FileStream(NextPath(folder, clock), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        try
        {
            Write(new WireMessage().Add(1, Now).Add(3, "brain.Event:2"));
            Write(new WireMessage().Add(1, Now).Add(2, firstStep).Add(7, new WireMessage().Add(1, Start)));
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    private double Now => _clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;

    /// <summary>Whether a folder holds such files.</summary>
    /// <param name="folder">The folder; it may be missing.</param>
    public static bool IsIn(string folder) => Directory.Exists(folder) && Directory.EnumerateFiles(folder, $"{Prefix}*").Any();

    /// <summary>Adds what is to be shown of a step: all of it or, where the program is killed meanwhile, nothing.</summary>
    /// <param name="step">The step, such as the number of an epoch.</param>
    /// <param name="summary">What is to be shown.</param>
    /// <exception cref="IOException">The disk is full.</exception>
    public void Write(long step, EventSummary summary)
    {
        ArgumentNullException.ThrowIfNull(summary);
        Write(new WireMessage().Add(1, Now).Add(2, step).Add(5, summary.Message));
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    // By the second, as TensorFlow does it, and after every file that is there, whatever clocks say.
    private static string NextPath(string folder, TimeProvider clock)
    {
        long last = Directory.EnumerateFiles(folder, $"{Prefix}*{Suffix}")
            .Select(path => Path.GetFileName(path)[Prefix.Length..^Suffix.Length])
            .Select(text => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) ? seconds : 0)
            .DefaultIfEmpty()
            .Max();
        long next = Math.Max(clock.GetUtcNow().ToUnixTimeSeconds(), last + 1);
        return Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{next:0000000000}{Suffix}"));
    }

    private void Write(WireMessage message)
    {
        const int Header = sizeof(long) + sizeof(uint);
        byte[] record = new byte[Header + message.Length + sizeof(uint)];
        using (MemoryStream content = new(record, Header, (int)message.Length))
        {
            message.WriteTo(content);
        }

        BinaryPrimitives.WriteInt64LittleEndian(record, message.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(sizeof(long)), Checksum(record.AsSpan(0, sizeof(long))));
        BinaryPrimitives.WriteUInt32LittleEndian(
            record.AsSpan(record.Length - sizeof(uint)), Checksum(record.AsSpan(Header, (int)message.Length)));
        _file.Write(record);
        _file.Flush(flushToDisk: true);
    }

    // CRC-32C, turned and shifted so that the checksum of bytes that hold checksums is a good one too.
    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte one in bytes)
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xA282EAD8;
    }
}
