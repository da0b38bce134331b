// Measures the time of a step with learned feedback relative to a step of the paper's estimator. The two take turns, eight steps at a
// time, so that other load on the machine affects both. Prints the median of the ratios of neighbouring turns, with its quartiles.
// dotnet run -c Release benchmarks/PairedSteps.cs -- M/8/16 [threads] [pairs]
#:project ../src/Onward/Onward.csproj
#:property PublishAot=false

using System.Diagnostics;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

const int Batch = 128;
string preset = args[0];
int threads = args.Length > 1 ? int.Parse(args[1]) : 1, pairs = args.Length > 2 ? int.Parse(args[2]) : 25;
(int side, int channels) = preset.Contains("/1/") ? (28, 1) : (32, 3);
float[] pixels = new float[Batch * side * side * channels];
int[] labels = new int[Batch];
Random random = new(1);
for (int i = 0; i < pixels.Length; i++)
{
    pixels[i] = random.NextSingle() - 0.5f;
}

for (int n = 0; n < Batch; n++)
{
    labels[n] = random.Next(10);
}

using WorkerTeam team = new(threads);
Turns plain = new(StepOf(NoiseSites.All, ControlVariate.None, layerwise: false));
Turns feedback = new(StepOf(NoiseSites.Hidden, ControlVariate.LearnedFeedback, layerwise: true));
plain.Take(pixels, labels);
feedback.Take(pixels, labels);
double[] seconds = [.. Enumerable.Range(0, (2 * pairs) + 1).Select(turn => (turn % 2 == 0 ? plain : feedback).Take(pixels, labels))];

// Compares each turn with feedback with the mean of the turns before and after it.
double[] ratios = [.. Enumerable.Range(0, pairs).Select(i => 2 * seconds[(2 * i) + 1] / (seconds[2 * i] + seconds[(2 * i) + 2])).Order()];
double median = ratios[pairs / 2], low = ratios[pairs / 4], high = ratios[3 * pairs / 4];
Console.WriteLine(
    $"{preset}, {threads} thread(s): {median:F3} times the plain step ({low:F3} to {high:F3}, {pairs} pairs); "
    + $"fastest plain step {Fastest(0):F0} ms, fastest of feedback {Fastest(1):F0} ms");

double Fastest(int first) => 1000 * seconds.Where((_, turn) => turn % 2 == first).Min() / Turns.Steps;

TrainingStep StepOf(NoiseSites sites, ControlVariate controlVariate, bool layerwise)
{
    Network model = LocalMixer.Build(LocalMixerPresets.Get(preset, side, channels, classes: 10));
    model.Initialize(seed: 1);
    ForwardGradient rule = new(
        NoiseDistribution.Gaussian,
        LossScope.All,
        passes: 1,
        seed: 1,
        layerwise: layerwise,
        sites: sites,
        controlVariate: controlVariate);
    return new TrainingStep(model, rule, team);
}

internal sealed class Turns(TrainingStep step)
{
    public const int Steps = 8;

    // Starts after the early steps, at each of which the feedback is fitted.
    private uint _number = 1000;

    /// <summary>Runs a few steps and returns the time that they took, in seconds.</summary>
    public double Take(float[] pixels, int[] labels)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Steps; i++)
        {
            step.Run(pixels, labels, _number++);
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
