using System.CommandLine;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Text.Json.Nodes;
using Onward.Communication;
using Onward.Mpi;
using Onward.Training;

namespace Onward.Cli;

/// <summary>
/// The processes that share a run, started together by <c>mpirun</c>. Each makes the same run; the first alone prints and writes.
/// Without <c>--parallel</c> there is one, and MPI is not even loaded.
/// </summary>
internal sealed class Ranks : IDisposable
{
    private const string Data = "data";
    private const string Blocks = "blocks";
    private const string Rule = "data, blocks, or shares of the batch x stages of blocks, such as 2x4";

    private readonly Host _host;
    private readonly MpiCommunicator? _world;
    private bool _allKnow; // of the fault under way

    private Ranks(Host host, MpiCommunicator? world) => (_host, _world) = (host, world);

    /// <summary>How the processes share the run; null where there is one.</summary>
    internal RankGrid? Grid { get; private set; }

    /// <summary>Whether this process prints and writes.</summary>
    internal bool Writes => _world is null || _world.Rank == 0;

    /// <summary>What the command line touches outside itself: nothing to print on, unless this process prints.</summary>
    internal Host Host => Writes ? _host : _host with { Out = TextWriter.Null, Error = TextWriter.Null };

    /// <summary>Makes the option.</summary>
    internal static Option<string?> Option() => new("--parallel")
    {
        Description = $"Share the run among the processes of mpirun, over MPI: {Rule}. Changes results by the order of sums alone",
        HelpName = "FORM",
        CustomParser = result =>
        {
            string form = result.Tokens[0].Value;
            if (Read(form, 1) is null)
            {
                result.AddError($"--parallel takes {Rule}; got {ParseFaults.Quote(form)}.");
            }

            return form;
        },
    };

    /// <summary>Runs a command in each of the processes that an option asks for.</summary>
    /// <param name="form">The option; null for one process.</param>
    /// <param name="host">What the command touches outside itself.</param>
    /// <param name="command">The command.</param>
    /// <returns>Its exit code in the process that prints; the others end in good order and leave the rest to it.</returns>
    internal static int Run(string? form, Host host, Func<Ranks, int> command)
    {
        Launch launch = new(host.Variable);
        if (form is null)
        {
            return launch.Processes == 1 ? command(new Ranks(host, null)) : RefuseCopies(launch, $"""
                {launch.Processes} processes were started together, as by mpirun, and each would train the whole run. Share it among them with --parallel data, or start one process.
                """);
        }

        using Ranks ranks = new(host, MpiCommunicator.Open());
        if (launch.Processes > ranks._world!.Count)
        {
            return RefuseCopies(launch, $"""
                {launch.Processes} processes were started together, but the MPI library knows of {ranks._world.Count}: mpirun belongs to another MPI than this one ({MpiCommunicator.LibraryVersion.Split(',', '\n')[0]}). Start them with that library's own mpirun, or name mpirun's library in $ONWARD_MPI.
                """);
        }

        try
        {
            ranks.Join(form);
            int code = command(ranks);
            return ranks.Writes ? code : ExitCode.Done;
        }
        catch (Exception fault) when (ranks._allKnow || fault is TrainingDivergedException or InterruptedException or RankMismatchException)
        {
            if (ranks.Writes)
            {
                throw;
            }

            return ExitCode.Done;
        }
        catch (Exception fault)
        {
            // The others would wait for this process for ever.
            (int code, string message) = Faults.Describe(fault);
            host.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"onward: rank {ranks._world!.Rank}: {message}"));
            ranks._world.Abort(code);
            throw;
        }
    }

    /// <summary>Does something in all processes; where it fails in one, it fails in all, and the first says where.</summary>
    internal T Together<T>(Func<T> prepare)
    {
        if (_world is null)
        {
            return prepare();
        }

        T prepared = default!;
        ExceptionDispatchInfo? fault = null;
        try
        {
            prepared = prepare();
        }
        catch (Exception e)
        {
            fault = ExceptionDispatchInfo.Capture(e);
        }

        string[] faults = _world.Exchange(fault is null ? "" : Faults.Describe(fault.SourceException).Message);
        int first = Array.FindIndex(faults, said => said.Length > 0);
        if (first >= 0)
        {
            _allKnow = true;
            if (first == _world.Rank)
            {
                fault!.Throw();
            }

            throw new CommandFault(string.Create(CultureInfo.InvariantCulture, $"rank {first}: {faults[first]}"));
        }

        return prepared;
    }

    /// <summary>The same, in the first process before the others: what it leaves on the disk, they find there.</summary>
    internal T FirstThenOthers<T>(Func<T> prepare)
        where T : class
    {
        T? mine = Together(() => Writes ? prepare() : null);
        return Together(() => mine ?? prepare());
    }

    /// <summary>Refuses processes that would make another run than the first.</summary>
    internal void RequireSame(RunConfiguration run)
    {
        if (_world is null)
        {
            return;
        }

        JsonObject[] all =
        [
            .. _world.Exchange(run.ToJson().ToJsonString(RunConfiguration.Json)).Select(text => JsonNode.Parse(text)!.AsObject()),
        ];
        foreach (string name in all[0].Select(option => option.Key).Where(name => name is not ("threads" or "data" or "datasetSource" or "environment")))
        {
            int other = Array.FindIndex(all, options => !JsonNode.DeepEquals(options[name], all[0][name]));
            if (other > 0)
            {
                string first = Show(all[0]), different = Show(all[other]);
                string advice = name is "images" or RunConfiguration.ChecksumName
                    ? "Give every process the same images."
                    : "Start the same program with the same options everywhere.";
                throw new RankMismatchException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"the processes differ: rank 0 has {name} {first}, rank {other} has {different}. {advice}"));

                string Show(JsonObject options) => options[name]?.ToJsonString(RunConfiguration.Json) ?? "none";
            }
        }
    }

    /// <summary>Leaves the other processes.</summary>
    public void Dispose()
    {
        Grid?.Dispose();
        _world?.Dispose();
    }

    // Said once, by the first.
    private static int RefuseCopies(Launch launch, string fault) => launch.Rank == 0 ? throw new CommandFault(fault) : ExitCode.Done;

    private void Join(string form)
    {
        _world!.RequireSame("--parallel", form);
        if (Read(form, _world.Count) is not var (shares, stages) || (long)shares * stages != _world.Count)
        {
            _allKnow = true;
            throw new CommandFault(
                $"--parallel {form} is for another number of processes than the {_world.Count} that mpirun started. Start as many as it has places.");
        }

        Grid = new RankGrid(_world, shares, stages);
    }

    private static (int Shares, int Stages)? Read(string form, int processes)
    {
        if (form.Equals(Data, StringComparison.OrdinalIgnoreCase))
        {
            return (processes, 1);
        }

        if (form.Equals(Blocks, StringComparison.OrdinalIgnoreCase))
        {
            return (1, processes);
        }

        return form.ToUpperInvariant().Split('X') is [string left, string right] && Number(left) is int shares
            && Number(right) is int stages ? (shares, stages) : null;

        static int? Number(string text) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? number : null;
    }
}
