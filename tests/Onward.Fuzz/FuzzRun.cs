using System.Diagnostics;

namespace Onward.Fuzz;

/// <summary>Gives inputs to a reader and judges the results.</summary>
/// <param name="reader">The reader.</param>
/// <param name="seed">Seed of the inputs.</param>
/// <param name="folder">A folder that only this run uses.</param>
/// <param name="report">Called with each failure.</param>
internal sealed class FuzzRun(Reader reader, ulong seed, string folder, Action<Failure> report)
{
    private const int BytesPerByte = 100;

    private readonly Dictionary<int, string> _folders = [];
    private long _index;
    private long _started;

    /// <summary>Number of inputs that were read.</summary>
    internal long Accepted { get; private set; }

    /// <summary>Number of inputs that were rejected with a one-line message.</summary>
    internal long Refused { get; private set; }

    /// <summary>Number of the current input, and its start time as a <see cref="Stopwatch"/> timestamp; 0 between inputs.</summary>
    internal (long Index, long Started) UnderWay => (Volatile.Read(ref _index), Volatile.Read(ref _started));

    /// <summary>Gives the inputs of a range to the reader.</summary>
    /// <param name="from">Number of the first input.</param>
    /// <param name="count">Number of inputs.</param>
    /// <param name="begin">Called before each input.</param>
    internal void Run(long from, long count, Action<long>? begin = null)
    {
        for (long index = from; index < from + count; index++)
        {
            begin?.Invoke(index);
            Volatile.Write(ref _index, index);
            if (Judge(index) is Failure failure)
            {
                report(failure);
            }
        }
    }

    private Failure? Judge(long index)
    {
        Reader.Input input = reader.MakeInput(seed, index);
        string place = Place(input.Seed), path = Path.Combine(place, input.File.Name);
        File.WriteAllBytes(path, input.Content);
        long before = GC.GetTotalAllocatedBytes();
        Volatile.Write(ref _started, Stopwatch.GetTimestamp());
        try
        {
            string? refusal = reader.Read(place, path);
            long allocated = GC.GetTotalAllocatedBytes() - before, most = reader.Allocation + (BytesPerByte * input.Content.LongLength);
            if (allocated > most)
            {
                string sizes = $"{allocated / 1e6:0} MB allocated for {input.Content.Length} bytes, expected at most {most / 1e6:0}";
                return new Failure(reader.Name, index, "allocation", $"{sizes}; {refusal ?? "accepted"}");
            }

            if (refusal is null)
            {
                Accepted++;
                return null;
            }

            Refused++;
            return Fault(refusal, place) is string fault ? new Failure(reader.Name, index, "message", $"{fault}: {refusal}") : null;
        }
        catch (Exception fault)
        {
            return new Failure(reader.Name, index, fault.GetType().Name, fault is InconsistentException ? fault.Message : fault.ToString());
        }
        finally
        {
            Volatile.Write(ref _started, 0);
            File.WriteAllBytes(path, input.File.Content);
        }
    }

    private string? Fault(string refusal, string place)
    {
        if (string.IsNullOrWhiteSpace(refusal))
        {
            return "the message is empty";
        }
        if (refusal.Any(letter => char.IsControl(letter) || letter is '\u2028' or '\u2029'))
        {
            return "the message has several lines, or control characters";
        }
        bool namesOption = reader.NamesOptions && refusal.Contains("--", StringComparison.Ordinal);
        return namesOption || refusal.Contains(place, StringComparison.Ordinal) ? null : "the message names no file";
    }

    private string Place(int chosen)
    {
        if (!_folders.TryGetValue(chosen, out string? place))
        {
            place = _folders[chosen] = Path.Combine(folder, $"{chosen}");
            foreach (SeedFile file in reader.Seeds[chosen])
            {
                string path = Path.Combine(place, file.Name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllBytes(path, file.Content);
            }
        }

        return place;
    }
}
