// Compares the two engines on a perceptron 784-512-512 with a local loss on each layer and a residual, which LocalMixer cannot express:
// the fast engine with one thread, and Onward.Autodiff. They take turns; one direction of activity noise, batches of 128 images. Prints the
// median images per second of both, and the median of the ratios.
// dotnet run -c Release benchmarks/LocalPerceptron.cs -- [turns]
#:project ../src/Onward/Onward.csproj
#:property PublishAot=false

using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using Onward.Autodiff;
using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

const int Batch = 128, FastSteps = 20, SlowSteps = 3, Warmup = 5;
int turns = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 15;
Network network = new(
    ExampleShape.Vector(784),
    [
        new(new LayerNorm(784), new Linear(784, 512) { Name = "a" }, new LayerNorm(512), new Relu()) { FeatureNorm = new LayerNorm(512) },
        new(new Residual(new LayerNorm(512), new Linear(512, 512) { Name = "b" }, new LayerNorm(512)), new Relu())
        {
            FeatureNorm = new LayerNorm(512),
        },
    ],
    classes: 10);
network.Initialize(seed: 1);
float[] pixels = new float[Batch * 784];
CounterRandom.Normals(new RandomStream(1, RandomPurpose.Data), 0, pixels);
int[] labels = [.. Enumerable.Range(0, Batch).Select(n => n % 10)];
Dictionary<string, Tensor<float>> parameters = network.Values.Layout.Parameters.ToDictionary(
    parameter => parameter.Name,
    parameter => Tensor.Create(network.Values[parameter].ToArray(), [.. parameter.Shape.Select(size => (nint)size)]));
DualTensor<float> images = DualTensor.Constant<float>(pixels, Batch, 784);
ActivityPerturbationEstimator<float> slow = new(NoiseDistribution.Gaussian, passes: 1, seed: 1);
using WorkerTeam team = new(1);
TrainingStep fast = new(network, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1), team);

List<(double Fast, double Slow)> speeds = [];
uint step = 0;
for (int turn = -Warmup; turn < turns; turn++)
{
    double fastSpeed = SpeedOf(FastSteps, () => fast.Run(pixels, labels, step++));
    double slowSpeed = SpeedOf(SlowSteps, () => slow.Estimate(parameters, Losses, step++));
    if (turn >= 0)
    {
        speeds.Add((fastSpeed, slowSpeed));
    }
}

Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"fast engine {Median(speeds.Select(s => s.Fast)):F0} images/s, Onward.Autodiff {Median(speeds.Select(s => s.Slow)):F0} images/s, "
    + $"ratio {Median(speeds.Select(s => s.Fast / s.Slow)):F1}"));

DualTensor<float> Losses(ForwardSweep<float> sweep)
{
    DualTensor<float> first = sweep.Affine(images.LayerNorm(), "blocks.0.a.weight", "blocks.0.a.bias").LayerNorm().Relu();
    DualTensor<float> h = sweep.EndBlock(first, Head(sweep, first, "blocks.0.head"));
    DualTensor<float> second = (sweep.Affine(h.LayerNorm(), "blocks.1.b.weight", "blocks.1.b.bias").LayerNorm() + h).Relu();
    h = sweep.EndBlock(second, Head(sweep, second, "blocks.1.head"));
    return Head(sweep, h, "readout");
}

DualTensor<float> Head(ForwardSweep<float> sweep, DualTensor<float> x, string name) =>
    -sweep.Affine(x.LayerNorm(), $"{name}.weight", $"{name}.bias").LogSoftmax(-1).Pick(labels);

static double SpeedOf(int steps, Action run)
{
    long start = Stopwatch.GetTimestamp();
    for (int i = 0; i < steps; i++)
    {
        run();
    }

    return steps * Batch / Stopwatch.GetElapsedTime(start).TotalSeconds;
}

static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);
