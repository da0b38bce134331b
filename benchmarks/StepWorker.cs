// Runs training steps of one network and rule, a block of them for each line that it reads. For each block it prints one line:
// milliseconds, milliseconds of processor time and allocated bytes of a step, and the peak memory of the process in bytes.
// eng/pair runs two of these in turn, one for each of two builds. Each build has its own copy of this program, so arguments and output
// must stay as they are.
// dotnet run -c Release benchmarks/StepWorker.cs -- M/8/16 LG-FG-A THREADS STEPS [batch]
#:project ../src/Onward/Onward.csproj
#:property PublishAot=false
#:property ConcurrentGarbageCollection=false
#:property InvariantGlobalization=true

using System.Diagnostics;
using System.Globalization;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Optimizers;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

const double WarmUpSeconds = 3; // of processor time
const int WarmUpSteps = 4;
string preset = args[0], name = args[1];
int steps = Number(3), batch = args.Length > 4 ? Number(4) : 128;
(int side, int channels) = preset.Contains("/1/", StringComparison.Ordinal) ? (28, 1) : (32, 3);
float[] pixels = new float[batch * side * side * channels];
CounterRandom.Normals(new RandomStream(1, RandomPurpose.Data), 0, pixels);
int[] labels = [.. Enumerable.Range(0, batch).Select(n => n % 10)];

using WorkerTeam team = new(Number(2));
Network network = LocalMixer.Build(LocalMixerPresets.Get(preset, side, channels, classes: 10));
network.Initialize(seed: 1);
TrainingStep training = new(network, Rule(), team);
ParameterUpdate update = new(network.Values.Layout, new Sgd(Momentum: 0.9, WeightDecay: 1e-4), team);
uint step = 1000; // after the first steps of a run, in which some rules do additional work

for (int i = 0; i < WarmUpSteps || Environment.CpuUsage.TotalTime.TotalSeconds < WarmUpSeconds; i++)
{
    Step();
}

Console.WriteLine("ready");
while (Console.ReadLine() is not null)
{
    long allocated = GC.GetTotalAllocatedBytes(precise: true);
    TimeSpan busy = Environment.CpuUsage.TotalTime;
    long start = Stopwatch.GetTimestamp();
    for (int i = 0; i < steps; i++)
    {
        Step();
    }

    double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds / steps;
    busy = Environment.CpuUsage.TotalTime - busy;
    allocated = (GC.GetTotalAllocatedBytes(precise: true) - allocated) / steps;
    using Process process = Process.GetCurrentProcess();
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{milliseconds:F4} {busy.TotalMilliseconds / steps:F4} {allocated} {process.PeakWorkingSet64}"));
}

int Number(int argument) => int.Parse(args[argument], CultureInfo.InvariantCulture);

void Step() => update.Step(training, pixels, labels, step++, 0.001);

LearningRule Rule() => name switch
{
    "LG-FG-A" => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1),
    "FG-A" => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.Global, passes: 1, seed: 1),
    "LG-FG-W" => new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1),
    "LG-BP" => Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock),
    "BP" => Backpropagation.ThroughWeights(BackwardScope.Readout),
    _ => throw new ArgumentException($"There is no rule {name} here."),
};
