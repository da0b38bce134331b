using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace Onward.Formats;

/// <summary>An event file for TensorBoard, which reads all event files of a folder in the order of their names.</summary>
/// <remarks>
/// Each event is one record, written and flushed at once: its length, a checksum of the length, its bytes, a checksum of the
/// bytes. If the program is killed, at most the last record is incomplete; readers stop there and continue with the next file.
/// A resumed run therefore opens another file, which starts with a session-start event at its first step. Readers then discard
/// that step and later ones from earlier files. Field numbers follow TensorFlow's <c>event.proto</c>.
/// </remarks>
public sealed class EventFile : IDisposable
{
    private const string Prefix = "events.out.tfevents.", Suffix = ".onward";

    private readonly FileStream _file;
    private readonly TimeProvider _clock;

    /// <summary>Creates an event file.</summary>
    /// <param name="folder">The folder, which must exist.</param>
    /// <param name="firstStep">First step that the file will contain. Readers discard this step and later ones from earlier files.</param>
    /// <param name="clock">Supplies the time of events.</param>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the folder is denied.</exception>
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

    /// <summary>True if a folder contains event files.</summary>
    /// <param name="folder">The folder; it may be missing.</param>
    public static bool IsIn(string folder) => Directory.Exists(folder) && Directory.EnumerateFiles(folder, $"{Prefix}*").Any();

    /// <summary>Writes one step. If the program is killed meanwhile, readers see either all of it or nothing.</summary>
    /// <param name="step">Number of the step, for example of an epoch.</param>
    /// <param name="summary">The values to show.</param>
    /// <exception cref="IOException">The disk is full.</exception>
    public void Write(long step, EventSummary summary)
    {
        ArgumentNullException.ThrowIfNull(summary);
        Write(new WireMessage().Add(1, Now).Add(2, step).Add(5, summary.Message));
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    // Named by the time in seconds, as TensorFlow does, but always after every existing file, even if the clock was set back.
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

    // CRC-32C, masked (rotated and shifted) as the record format requires, because a CRC of data that contains CRCs is weak.
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
