using System.Buffers.Binary;
using System.Text.Json;

namespace Onward.Fuzz;

/// <summary>A process that gives a range of inputs to a reader. If an input crashes it, the supervisor survives.</summary>
internal static class Worker
{
    /// <summary>First command-line argument of a worker.</summary>
    internal const string Name = "worker";

    private const string MarkName = "mark";

    /// <summary>Command-line arguments that start a worker.</summary>
    internal static IReadOnlyList<string> Words(string folder, string reader, ulong seed, long from, long count) =>
        [Name, folder, reader, $"{seed}", $"{from}", $"{count}"];

    /// <summary>Runs a worker. It prints each failure as a line of JSON, and at the end the peak of its memory in megabytes.</summary>
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

    /// <summary>Reads how many inputs a worker processed, whether it ended normally or not.</summary>
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
