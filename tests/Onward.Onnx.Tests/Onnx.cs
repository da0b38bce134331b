using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Onward.Data;
using Onward.Models;

namespace Onward.Onnx.Tests;

/// <summary>An exported network, run by ONNX Runtime.</summary>
internal sealed class Onnx : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("onward-onnx-").FullName;

    public Onnx(Network model, ImageDescription images)
    {
        string path = Path.Combine(_folder, "model.onnx");
        OnnxFile.Save(model, images, path);
        Assert.Equal([path], Directory.GetFiles(_folder));
        Size = new FileInfo(path).Length;
        using SessionOptions options = new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING };
        Session = new InferenceSession(path, options);
    }

    public InferenceSession Session { get; }

    public long Size { get; }

    /// <summary>Runs the network and returns every output by name. [example, output]</summary>
    public IReadOnlyDictionary<string, float[]> Run(float[] pixels, int[] shape) =>
        Run(NamedOnnxValue.CreateFromTensor("image", new DenseTensor<float>(pixels, shape)));

    /// <summary>Runs a network that begins with an embedding.</summary>
    public IReadOnlyDictionary<string, float[]> Run(long[] tokens, int[] shape) =>
        Run(NamedOnnxValue.CreateFromTensor("tokens", new DenseTensor<long>(tokens, shape)));

    private Dictionary<string, float[]> Run(NamedOnnxValue input)
    {
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = Session.Run([input]);
        return outputs.ToDictionary(output => output.Name, output => output.AsEnumerable<float>().ToArray());
    }

    public void Dispose()
    {
        Session.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
