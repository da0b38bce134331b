using System.CommandLine;
using System.Globalization;
using Onward.Cli;
using Onward.Fuzz;
using Onward.Reports;

if (args is [Worker.Name, ..])
{
    return Worker.Run(args);
}

Option<long> inputs = new("--inputs") { Description = "Inputs, all readers together", DefaultValueFactory = _ => 1_000_000 };
Option<ulong> seed = new("--seed") { Description = "Seed of the inputs", DefaultValueFactory = _ => 1 };
Option<string?> only = new("--reader") { Description = "Test only this reader" };
Option<long?> index = new("--index") { Description = "Repeat only this input of the reader" };
Option<int> jobs = new("--jobs") { Description = "Number of readers tested in parallel", DefaultValueFactory = _ => 1 };
Option<DirectoryInfo> failures = new("--failures")
{
    Description = "Folder for inputs that fail",
    DefaultValueFactory = _ => new DirectoryInfo("fuzz-failures"),
};
RootCommand command = new("Gives damaged files to every reader of Onward: each input must be read, or refused in one line.")
{
    inputs, seed, only, index, jobs, failures,
};
ParseResult parse = command.Parse(args);
if (parse.Errors.Count > 0)
{
    return Refuse(parse.Errors[0].Message);
}

if (parse.Action is not null)
{
    return parse.Invoke();
}

DirectoryInfo seeds = Directory.CreateTempSubdirectory("onward-fuzz-");
try
{
    IReadOnlyList<Reader> all = Readers.All(seeds.FullName);
    IReadOnlyList<Reader> readers = parse.GetValue(only) is string name
        ? [.. all.Concat(FaultyReaders.All).Where(reader => reader.Name == name)]
        : all;
    if (readers.Count == 0)
    {
        return Refuse($"--reader knows no '{parse.GetValue(only)}'. It takes {string.Join(", ", all.Select(reader => reader.Name))}.");
    }

    if (parse.GetValue(inputs) < 1 || parse.GetValue(jobs) < 1 || parse.GetValue(index) < 0)
    {
        return Refuse("--inputs and --jobs must be 1 or more, and --index 0 or more.");
    }

    if (parse.GetValue(index) is not null && readers.Count > 1)
    {
        return Refuse("--index belongs to --reader. Name that too, or leave --index out.");
    }

    return Report(Try(readers), readers);
}
finally
{
    seeds.Delete(recursive: true);
}

static int Refuse(string message)
{
    Console.Error.WriteLine($"onward-fuzz: {message}");
    return ExitCode.BadInput;
}

Supervisor.Outcome[] Try(IReadOnlyList<Reader> readers)
{
    Supervisor.Outcome[] outcomes = new Supervisor.Outcome[readers.Count];
    long shares = readers.Sum(reader => reader.Share);
    Parallel.For(0, readers.Count, new ParallelOptions { MaxDegreeOfParallelism = parse.GetValue(jobs) }, i =>
    {
        long? one = parse.GetValue(index);
        (long from, long count) = one is not null
            ? (one.Value, 1L)
            : (0L, ((parse.GetValue(inputs) * readers[i].Share) + shares - 1) / shares);
        outcomes[i] = Supervisor.Run(readers[i], parse.GetValue(seed), from, count);
        Console.Error.WriteLine($"{readers[i].Name}: {outcomes[i].Failures.Count} failures");
    });
    return outcomes;
}

int Report(Supervisor.Outcome[] outcomes, IReadOnlyList<Reader> readers)
{
    TextTable table = new TextTable(0).Add("reader", "inputs", "accepted", "refused", "failures", "seconds", "peak MB");
    foreach (Supervisor.Outcome outcome in outcomes.Append(Sum(outcomes)))
    {
        table.Add(
            outcome.Reader,
            Count(outcome.Accepted + outcome.Refused + outcome.Failures.Count(failure => failure.Kind != "message")),
            Count(outcome.Accepted),
            Count(outcome.Refused),
            Count(outcome.Failures.Count),
            outcome.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture),
            outcome.PeakMegabytes.ToString("0", CultureInfo.InvariantCulture));
    }

    table.Write(Console.Out);
    foreach (Supervisor.Outcome outcome in outcomes)
    {
        Tell(outcome, readers.First(reader => reader.Name == outcome.Reader));
    }

    return outcomes.Any(outcome => outcome.Failures.Count > 0 || outcome.Left > 0) ? ExitCode.Unexpected : ExitCode.Done;
}

// Prints the first input of each cause, and stores it.
void Tell(Supervisor.Outcome outcome, Reader reader)
{
    if (outcome.Left > 0)
    {
        Console.WriteLine($"{reader.Name}: given up with {outcome.Left} inputs left, because its process ended so often");
    }

    foreach (IGrouping<string, Failure> cause in outcome.Failures.GroupBy(failure => failure.Cause))
    {
        Failure first = cause.First();
        Reader.Input input = reader.MakeInput(parse.GetValue(seed), first.Index);
        string name = $"{reader.Name}-{parse.GetValue(seed)}-{first.Index}-{Path.GetFileName(input.File.Name)}";
        string kept = Path.Combine(parse.GetValue(failures)!.FullName, name);
        Directory.CreateDirectory(parse.GetValue(failures)!.FullName);
        File.WriteAllBytes(kept, input.Content);
        string options = $"--reader {reader.Name} --seed {parse.GetValue(seed)} --index {first.Index}";
        Console.WriteLine($"\n{reader.Name}, {cause.Count()} times: {first.Kind}: {first.Detail.TrimEnd()}");
        Console.WriteLine($"  the input: {kept}");
        Console.WriteLine($"  again:     dotnet run -c Release --project tests/Onward.Fuzz -- {options}");
    }
}

static Supervisor.Outcome Sum(Supervisor.Outcome[] outcomes)
{
    Supervisor.Outcome all = new("all")
    {
        Accepted = outcomes.Sum(outcome => outcome.Accepted),
        Refused = outcomes.Sum(outcome => outcome.Refused),
        Elapsed = TimeSpan.FromTicks(outcomes.Sum(outcome => outcome.Elapsed.Ticks)),
        PeakMegabytes = outcomes.Max(outcome => outcome.PeakMegabytes),
    };
    all.Failures.AddRange(outcomes.SelectMany(outcome => outcome.Failures));
    return all;
}

static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
