using System.Diagnostics;

namespace Onward.Fuzz;

/// <summary>Gives inputs to a reader, one after another, and judges what it makes of each.</summary>
/// <param name="reader">The reader.</param>
/// <param name="seed">Names the inputs.</param>
/// <param name="folder">A folder of its own.</param>
/// <param name="report">Told of each failure.</param>
internal sealed class FuzzRun(Reader reader, ulong seed, string folder, Action<Failure> report)
{
    private const int BytesPerByte = 100;

    private readonly Dictionary<int, string> _folders = [];
    private long _index;
    private long _started;

    /// <summary>Inputs that read well.</summary>
    internal long Accepted { get; private set; }

    /// <summary>Inputs that were refused in one line.</summary>
    internal long Refused { get; private set; }

    /// <summary>The input under way, and when it was begun as <see cref="Stopwatch"/> tells the time; 0 between two.</summary>
    internal (long Index, long Started) UnderWay => (Volatile.Read(ref _index), Volatile.Read(ref _started));

    /// <summary>Gives it the inputs of a range.</summary>
    /// <param name="from">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="begin">Called before each.</param>
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
                return new Failure(
                    reader.Name,
                    index,
                    "allocation",
                    $"{allocated / 1e6:0} MB allocated for {input.Content.Length} bytes, expected at most {most / 1e6:0}; {refusal ?? "accepted"}");
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

    private string? Fault(string refusal, string place) =>
        string.IsNullOrWhiteSpace(refusal) ? "it says nothing"
        : refusal.Any(
            letter => char.IsControl(letter) || letter is '\u2028' or '\u2029') ? "it is more than a line, or commands the terminal"
        : refusal.Contains(place, StringComparison.Ordinal)
        || (reader.NamesOptions && refusal.Contains("--", StringComparison.Ordinal)) ? null
        : "it names no file";

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
