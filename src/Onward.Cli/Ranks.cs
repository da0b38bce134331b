using System.CommandLine;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Text.Json.Nodes;
using Onward.Communication;
using Onward.Mpi;
using Onward.Training;

namespace Onward.Cli;

/// <summary>
/// The processes that share a run, started together by <c>mpirun</c>. Only the first process prints and writes files. Without
/// <c>--parallel</c> there is one process, and MPI is not loaded.
/// </summary>
internal sealed class Ranks : RunProcesses, IDisposable
{
    private const string Data = "data";
    private const string Blocks = "blocks";
    private const string Rule = "data, blocks, or both as SHARESxSTAGES, such as 2x4";

    private readonly Host _host;
    private readonly MpiCommunicator? _world;
    private RankGrid? _grid;
    private bool _allKnow; // all processes throw the same exception

    private Ranks(Host host, MpiCommunicator? world) => (_host, _world) = (host, world);

    /// <summary>The shares and stages of the processes, or null for one process.</summary>
    internal override RankGrid? Grid => _grid;

    /// <summary>True if this process prints and writes files.</summary>
    internal override bool Writes => _world is null || _world.Rank == 0;

    /// <summary>The environment of the command. Its output is discarded unless this process prints.</summary>
    internal Host Host => Writes ? _host : _host with { Out = TextWriter.Null, Error = TextWriter.Null };

    /// <summary>Creates the option.</summary>
    internal static Option<string?> Option() => new("--parallel")
    {
        Description = "Share the run among the processes of mpirun: data (shares of the batch), blocks (pipeline stages), "
            + "or both, such as 2x4. Only the order of sums changes. Default: one process",
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

    /// <summary>Runs a command in each process.</summary>
    /// <param name="form">The value of <c>--parallel</c>, or null for one process.</param>
    /// <param name="host">The environment of the command.</param>
    /// <param name="command">The command.</param>
    /// <returns>The exit code of the command in the process that prints. In the others, 0.</returns>
    internal static int Run(string? form, Host host, Func<Ranks, int> command)
    {
        Launch launch = new(host.Variable);
        if (form is null)
        {
            return launch.Processes == 1
                ? command(new Ranks(host, null))
                : RefuseCopies(
                    launch,
                    $"mpirun started {launch.Processes} processes, and each would train the whole run. "
                    + "Share the run among them with --parallel data, or start one process.");
        }

        using Ranks ranks = new(host, MpiCommunicator.Open());
        if (launch.Processes > ranks._world!.Count)
        {
            string library = MpiCommunicator.LibraryVersion.Split(',', '\n')[0];
            return RefuseCopies(
                launch,
                $"mpirun started {launch.Processes} processes, but the MPI library ({library}) found {ranks._world.Count}: "
                + "mpirun belongs to another MPI library. Use the mpirun of this library, or name mpirun's library in $ONWARD_MPI.");
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
            // Without the abort, the other processes would wait for this one forever.
            (int code, string message) = Faults.Describe(fault);
            host.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"onward: rank {ranks._world!.Rank}: {message}"));
            ranks._world.Abort(code);
            throw;
        }
    }

    /// <summary>Calls a function in all processes. If it fails in one process, all processes throw.</summary>
    internal override T Together<T>(Func<T> prepare)
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

    /// <summary>Calls a function in the first process, then in the others, which find the files that the first has written.</summary>
    internal override T FirstThenOthers<T>(Func<T> prepare)
    {
        T? mine = Together(() => Writes ? prepare() : null);
        return Together(() => mine ?? prepare());
    }

    /// <summary>Throws if the run of a process differs from the run of the first process.</summary>
    internal override void RequireSame(RunConfiguration run)
    {
        if (_world is null)
        {
            return;
        }

        JsonObject[] all =
        [
            .. _world.Exchange(run.ToJson().ToJsonString(RunConfiguration.Json)).Select(text => JsonNode.Parse(text)!.AsObject()),
        ];
        foreach (string name in all[0].Select(option => option.Key))
        {
            if (name is "threads" or "data" or "datasetSource" or "environment")
            {
                continue;
            }

            int other = Array.FindIndex(all, options => !JsonNode.DeepEquals(options[name], all[0][name]));
            if (other > 0)
            {
                string first = Show(all[0]), different = Show(all[other]);
                string advice = name is "images" or RunConfiguration.ChecksumName
                    ? "Give every process the same images."
                    : "Start every process with the same program and options.";
                throw new RankMismatchException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"the processes differ: rank 0 has {name} {first}, rank {other} has {different}. {advice}"));

                string Show(JsonObject options) => options[name]?.ToJsonString(RunConfiguration.Json) ?? "none";
            }
        }
    }

    /// <summary>Disconnects from the other processes.</summary>
    public void Dispose()
    {
        _grid?.Dispose();
        _world?.Dispose();
    }

    // Only the first process reports the fault.
    private static int RefuseCopies(Launch launch, string fault) => launch.Rank == 0 ? throw new CommandFault(fault) : ExitCode.Done;

    private void Join(string form)
    {
        _world!.RequireSame("--parallel", form);
        if (Read(form, _world.Count) is not var (shares, stages) || (long)shares * stages != _world.Count)
        {
            _allKnow = true;
            throw new CommandFault(
                $"--parallel {form} does not match the {_world.Count} processes that mpirun started. Start shares x stages processes.");
        }

        _grid = new RankGrid(_world, shares, stages);
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

        return form.ToUpperInvariant().Split('X') is [string left, string right]
            && Number(left) is int shares
            && Number(right) is int stages
                ? (shares, stages)
                : null;

        static int? Number(string text) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? number : null;
    }
}
