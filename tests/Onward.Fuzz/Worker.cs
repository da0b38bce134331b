using System.Buffers.Binary;
using System.Text.Json;

namespace Onward.Fuzz;

/// <summary>A process that gives a reader a range of inputs, so that one which ends the process ends that process alone.</summary>
internal static class Worker
{
    /// <summary>The word that a worker is started with.</summary>
    internal const string Name = "worker";

    private const string MarkName = "mark";

    /// <summary>The words that start a worker.</summary>
    internal static IReadOnlyList<string> Words(string folder, string reader, ulong seed, long from, long count) =>
        [Name, folder, reader, $"{seed}", $"{from}", $"{count}"];

    /// <summary>
    /// Does what a worker's words say. Failures go to the standard output, each a line of JSON, and last the peak of its memory.
    /// </summary>
    internal static int Run(string[] words)
    {
        string folder = words[1];
        Reader reader = Readers.All(folder).Concat(FaultyReaders.All).First(one => one.Name == words[2]);
        FuzzRun run = new(reader, ulong.Parse(words[3]), folder, Report);
        new Watch(reader, run).Start(Report);
        using FileStream mark = new(Path.Combine(folder, MarkName), FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        run.Run(long.Parse(words[4]), long.Parse(words[5]), index => Mark(mark, new Tally(index, run.Accepted, run.Refused)));
        Mark(mark, new Tally(-1, run.Accepted, run.Refused));
        Console.WriteLine(JsonSerializer.Serialize(ProcessMemory.PeakMegabytes));
        return 0;
    }

    /// <summary>How far a worker came, whether it has ended well or not.</summary>
    internal static Tally ReadMark(string folder)
    {
        byte[] mark = File.ReadAllBytes(Path.Combine(folder, MarkName));
        return new Tally(
            BinaryPrimitives.ReadInt64LittleEndian(mark),
            BinaryPrimitives.ReadInt64LittleEndian(mark.AsSpan(8)),
            BinaryPrimitives.ReadInt64LittleEndian(mark.AsSpan(16)));
    }

    private static void Report(Failure failure) => Console.WriteLine(JsonSerializer.Serialize(failure));

    private static void Mark(FileStream file, Tally tally)
    {
        Span<byte> mark = stackalloc byte[3 * sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(mark, tally.Index);
        BinaryPrimitives.WriteInt64LittleEndian(mark[8..], tally.Accepted);
        BinaryPrimitives.WriteInt64LittleEndian(mark[16..], tally.Refused);
        RandomAccess.Write(file.SafeFileHandle, mark, 0);
    }
}
